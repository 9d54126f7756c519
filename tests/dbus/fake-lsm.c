// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A security module that is not there, to be loaded in front of the libraries
 * with which a bus asks for one (LD_PRELOAD; with-bus --lsm=NAME): libselinux,
 * libapparmor, libaudit, the label of a socket, the system log. Loaded into
 * dbus-daemon and into afbusd it shows what they ask, and when.
 *
 *	FAKE_LSM	selinux or apparmor
 *	FAKE_LSM_DIR	a folder with
 *		policy		lines, read at every question; without a line that
 *				fits everything is allowed, unwritten
 *		log		what was written, to the audit system or the
 *				system log, and AppArmor's questions
 *		kernel		a fifo: a byte says that the policy was loaded
 *		features/dbus/mask	for AppArmor
 *
 * Lines of the policy, words apart by blanks:
 *	deny PERMISSION FROM TO		SELinux
 *	deny MASK LABEL			AppArmor: send, receive, bind, eavesdrop
 *	error MASK LABEL		the kernel cannot be asked: EPROTO
 *	audit MASK LABEL		allowed, and written
 *	noclass, deny-unknown, permissive	SELinux
 *	noaudit				there is no audit system
 *	audit-unreachable		there is, but not for us
 *
 * The label of a client is what it has bound its socket to, behind
 * FAKE_LSM_PREFIX and a word that makes it unique.
 */
#include <errno.h>
#include <fcntl.h>
#include <selinux/avc.h>
#include <selinux/selinux.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/apparmor.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "fake-lsm.h"

#define EXPORT __attribute__((visibility("default")))

static bool is(const char *name)
{
	const char *e = getenv("FAKE_LSM");

	return e && !strcmp(e, name);
}

static FILE *open_in_dir(const char *name, const char *mode)
{
	const char *dir = getenv("FAKE_LSM_DIR");
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "", name);
	return fopen(path, mode);
}

/* Is there a line of these words? */
static bool policy_has(const char *a, const char *b, const char *c,
		       const char *d)
{
	FILE *f = open_in_dir("policy", "re");
	char line[512], want[512];
	bool found = false;

	if (!f)
		return false;
	snprintf(want, sizeof(want), "%s%s%s%s%s%s%s\n", a, b ? " " : "",
		 b ? b : "", c ? " " : "", c ? c : "", d ? " " : "",
		 d ? d : "");
	while (!found && fgets(line, sizeof(line), f))
		found = !strcmp(line, want);
	fclose(f);
	return found;
}

static void log_line(const char *where, const char *text)
{
	FILE *f = open_in_dir("log", "ae");
	size_t len = strlen(text);

	if (!f)
		return;
	fprintf(f, "%s: %s%s", where, text,
		len && text[len - 1] == '\n' ? "" : "\n");
	fclose(f);
}

/* ---- the label of a socket ---- */

static size_t label_of(int fd, char *label, size_t size)
{
	struct sockaddr_un sa = { 0 };
	socklen_t len = sizeof(sa);
	size_t n = sizeof(FAKE_LSM_PREFIX) - 1;
	const char *p = is("selinux") ? "other_t" : "unconfined";

	if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0 ||
	    sa.sun_family != AF_UNIX)
		return 0;
	len -= offsetof(struct sockaddr_un, sun_path) + 1;
	if (len < sizeof(sa.sun_path) - 1 && len > n && !sa.sun_path[0] &&
	    !memcmp(sa.sun_path + 1, FAKE_LSM_PREFIX, n)) {
		sa.sun_path[1 + len] = 0;
		p = strchr(sa.sun_path + 1 + n, '/') + 1;
	}
	return (size_t)snprintf(label, size, "%s", p) + 1;
}

EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	char label[128];
	size_t n;

	if (level != SOL_SOCKET || name != SO_PEERSEC)
		return (int)syscall(SYS_getsockopt, fd, level, name, value,
				    len);
	n = label_of(fd, label, sizeof(label));
	if (!n || *len < n) {
		*len = (socklen_t)n;
		errno = n ? ERANGE : ENOPROTOOPT;
		return -1;
	}
	memcpy(value, label, n);
	*len = (socklen_t)n;
	return 0;
}

/* ---- logs ---- */

static void log_format(const char *where, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void log_format(const char *where, const char *format, va_list ap)
{
	char text[4096];

	vsnprintf(text, sizeof(text), format, ap);
	log_line(where, text);
}

/* What a bus itself says has other facilities. */
static bool is_user(int priority)
{
	return (priority & LOG_FACMASK) == LOG_USER;
}

EXPORT void vsyslog(int priority, const char *format, va_list ap)
{
	if (is_user(priority))
		log_format("syslog", format, ap);
}

EXPORT void syslog(int priority, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsyslog(priority, format, ap);
	va_end(ap);
}

/* With _FORTIFY_SOURCE. */
EXPORT void __vsyslog_chk(int priority, int flag, const char *format,
			  va_list ap) __attribute__((format(printf, 3, 0)));
EXPORT void __vsyslog_chk(int priority, int flag, const char *format,
			  va_list ap)
{
	vsyslog(priority, format, ap);
}

EXPORT void __syslog_chk(int priority, int flag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
EXPORT void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsyslog(priority, format, ap);
	va_end(ap);
}

EXPORT int audit_open(void);
EXPORT int audit_open(void)
{
	bool unreachable = policy_has("audit-unreachable", NULL, NULL, NULL);

	if (!unreachable && !policy_has("noaudit", NULL, NULL, NULL))
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	errno = unreachable ? EACCES : EPROTONOSUPPORT;
	return -1;
}

EXPORT int audit_log_user_avc_message(int fd, int type, const char *message,
				      const char *host, const char *addr,
				      const char *tty, uid_t uid);
EXPORT int audit_log_user_avc_message(int fd, int type, const char *message,
				      const char *host, const char *addr,
				      const char *tty, uid_t uid)
{
	char where[32];

	snprintf(where, sizeof(where), "audit %d", type);
	log_line(where, message);
	return 1;
}

/* ---- libselinux ---- */

static union selinux_callback callbacks[8];
static char sids[32][64];
static int kernel_fd = -1;

EXPORT int is_selinux_enabled(void)
{
	return is("selinux");
}

EXPORT int avc_open(struct selinux_opt *opts, unsigned int n)
{
	return 0;
}

EXPORT void avc_destroy(void)
{
}

EXPORT int avc_netlink_acquire_fd(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/kernel", getenv("FAKE_LSM_DIR"));
	kernel_fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return kernel_fd;
}

EXPORT void avc_netlink_release_fd(void)
{
}

EXPORT int avc_netlink_check_nb(void)
{
	char c;

	while (read(kernel_fd, &c, 1) == 1)
		callbacks[SELINUX_CB_POLICYLOAD].func_policyload(1);
	return 0;
}

EXPORT void selinux_set_callback(int type, union selinux_callback cb)
{
	callbacks[type] = cb;
}

EXPORT int getcon(char **context)
{
	*context = strdup("bus_t");
	return *context ? 0 : -1;
}

EXPORT void freecon(char *context)
{
	free(context);
}

EXPORT int getpeercon(int fd, char **context)
{
	char label[128];

	if (!label_of(fd, label, sizeof(label))) {
		errno = ENOPROTOOPT;
		return -1;
	}
	*context = strdup(label);
	return *context ? 0 : -1;
}

EXPORT int avc_context_to_sid(const char *context, security_id_t *sid)
{
	size_t i;

	for (i = 0; i < 32 && *sids[i] && strcmp(sids[i], context); i++)
		;
	if (i == 32) {
		errno = ENOMEM;
		return -1;
	}
	snprintf(sids[i], sizeof(sids[i]), "%s", context);
	*sid = (security_id_t)sids[i];
	return 0;
}

EXPORT int avc_sid_to_context(security_id_t sid, char **context)
{
	*context = strdup((const char *)sid);
	return *context ? 0 : -1;
}

EXPORT security_class_t string_to_security_class(const char *name)
{
	return !policy_has("noclass", NULL, NULL, NULL) &&
	       !strcmp(name, "dbus") ? 52 : 0;
}

static const char * const permissions[] = { "acquire_svc", "send_msg" };

EXPORT access_vector_t string_to_av_perm(security_class_t class,
					 const char *name)
{
	if (class != 52)
		return 0;
	return !strcmp(name, permissions[0]) ? 1 :
	       !strcmp(name, permissions[1]) ? 2 : 0;
}

EXPORT int security_deny_unknown(void)
{
	return policy_has("deny-unknown", NULL, NULL, NULL);
}

EXPORT int avc_has_perm(security_id_t from, security_id_t to,
			security_class_t class, access_vector_t wanted,
			struct avc_entry_ref *ref, void *data)
{
	const char *permission = permissions[wanted - 1];
	bool permissive;
	char aux[1024];

	if (!policy_has("deny", permission, (const char *)from,
			(const char *)to))
		return 0;
	permissive = policy_has("permissive", NULL, NULL, NULL);
	callbacks[SELINUX_CB_AUDIT].func_audit(data, class, aux, sizeof(aux));
	callbacks[SELINUX_CB_LOG].func_log(SELINUX_AVC,
		"avc:  denied  { %s } for %s scontext=%s tcontext=%s tclass=dbus permissive=%d\n",
		permission, aux, (const char *)from, (const char *)to,
		permissive);
	if (permissive)
		return 0;
	errno = EACCES;
	return -1;
}

/* ---- libapparmor ---- */

EXPORT int aa_is_enabled(void)
{
	return is("apparmor");
}

EXPORT int aa_find_mountpoint(char **path)
{
	*path = strdup(getenv("FAKE_LSM_DIR"));
	return *path ? 0 : -1;
}

/* One allocation, as the library makes it. */
static int set_con(char **label, char **mode, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -1;
	*label = aa_splitcon(copy, mode);
	return (int)strlen(text);
}

EXPORT int aa_getcon(char **label, char **mode)
{
	return set_con(label, mode, "bus_p (enforce)");
}

EXPORT int aa_getpeercon(int fd, char **label, char **mode)
{
	char text[128];

	if (!label_of(fd, text, sizeof(text))) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return set_con(label, mode, text);
}

static const char *mask_name(uint32_t mask)
{
	return mask == AA_DBUS_SEND ? "send" :
	       mask == AA_DBUS_RECEIVE ? "receive" :
	       mask == AA_DBUS_BIND ? "bind" :
	       mask == AA_DBUS_EAVESDROP ? "eavesdrop" : "?";
}

/* The strings of a query, a bar between them. */
static void log_query(const char *mask, const char *p, const char *end)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s %s", mask, p);

	p += strlen(p) + 1;
	n += snprintf(text + n, sizeof(text) - n, " class %d ", *p++);
	for (; p < end && n + 1 < (int)sizeof(text); p++)
		text[n++] = *p ? *p : '|';
	text[n] = 0;
	log_line("query", text);
}

EXPORT int aa_query_label(uint32_t permission, char *query, size_t size,
			  int *allowed, int *audited)
{
	const char *label = query + AA_QUERY_CMD_LABEL_SIZE;
	const char *mask = mask_name(permission);

	log_query(mask, label, query + size);
	if (policy_has("error", mask, label, NULL)) {
		errno = EPROTO;
		return -1;
	}
	*allowed = !policy_has("deny", mask, label, NULL);
	*audited = !*allowed || policy_has("audit", mask, label, NULL);
	return 0;
}
