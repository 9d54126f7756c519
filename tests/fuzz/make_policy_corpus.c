/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make_policy_corpus DIR: writes the seeds of the targets config and policy
 * into DIR/config and DIR/policy. Every configuration is also compiled, for
 * somebody who is root and in group 100, with a message behind the block.
 */
#include <string.h>

#include "daemon/config.h"

#include "fuzz.h"

#define RULES(rules) "<policy context='default'>" rules "</policy>"

static const char *const seeds[] = {
	RULES("<allow user='*'/><deny own='*'/><deny send_type='method_call'/>"
	      "<allow send_type='signal'/>"
	      "<allow send_requested_reply='true' send_type='method_return'/>"
	      "<allow send_requested_reply='true' send_type='error'/>"
	      "<allow receive_type='method_call'/>"
	      "<allow receive_type='method_return'/>"
	      "<allow receive_type='error'/><allow receive_type='signal'/>"),
	RULES("<allow send_destination='*' eavesdrop='true'/>"
	      "<allow eavesdrop='true'/><allow own='*'/>"),
	RULES("<deny send_destination='a.b' send_path='/a/b' "
	      "send_interface='si.f' send_member='Member' min_fds='1' "
	      "max_fds='3' log='true'/><allow send_error='e.n'/>"
	      "<deny send_destination_prefix='a' send_broadcast='false'/>"
	      "<allow send_broadcast='true' send_type='signal'/>"),
	RULES("<deny receive_sender=':1.5' receive_path='/a/b' "
	      "receive_interface='si.f' receive_member='Member'/>"
	      "<allow receive_error='e.n' receive_requested_reply='false'/>"
	      "<allow receive_type='method_call' max_fds='0'/>"),
	RULES("<allow own_prefix='a'/><deny own='a.b'/>")
	"<policy context='mandatory'><allow own='x.y'/></policy>"
	"<policy user='0'><deny own='x.y'/></policy>"
	"<policy group='100'><allow own='z.z'/></policy>"
	"<policy at_console='false'><deny own='z.z'/></policy>",
	"<type>system</type><user>messagebus</user><fork/><syslog/>"
	"<keep_umask/><allow_anonymous/><pidfile>/run/p</pidfile>"
	"<listen>unix:path=/run/x</listen><auth>EXTERNAL</auth>"
	"<servicedir>s</servicedir><servicehelper>h</servicehelper>"
	"<standard_system_servicedirs/><standard_session_servicedirs/>"
	"<include ignore_missing='yes'>x</include><includedir>y</includedir>"
	"<selinux><associate own='a.b' context='c'/></selinux>"
	"<apparmor mode='enabled'/><limit name='max_message_size'>1</limit>",
};

static FILE *create(const char *dir, const char *target, size_t i)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/seed-%02zu", dir, target, i);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

/* A call with path "/a/b" and member "M", all else left out. */
static const unsigned char call[] = {
	'l', 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 30, 0, 0, 0,
	1, 1, 'o', 0, 4, 0, 0, 0, '/', 'a', '/', 'b', 0, 0, 0, 0,
	3, 1, 's', 0, 1, 0, 0, 0, 'M', 0, 0, 0, 0, 0, 0, 0,
};

int main(int argc, char **argv)
{
	static gid_t groups[] = { 100 };
	static const struct creds user = { .groups = groups, .n_groups = 1 };
	char why[CONFIG_WHY_MAX], text[4096];
	struct policy_block *b;
	struct config *c;
	size_t i;
	int len;
	FILE *f;

	if (argc != 2)
		return 2;
	for (i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		len = snprintf(text, sizeof(text), "<busconfig>%s</busconfig>\n",
			       seeds[i]);
		f = create(argv[1], "config", i);
		fputs(text, f);
		fclose(f);
		if (config_parse(&c, "seed", text, (size_t)len, why) ||
		    policy_set_compile(c->policy, &user, &b)) {
			fprintf(stderr, "%s\n", why);
			return 1;
		}
		f = create(argv[1], "policy", i);
		fwrite(&b->p, 1, b->p.size, f);
		fwrite(call, 1, sizeof(call), f);
		fclose(f);
		policy_block_unref(b);
		config_free(c);
	}
	return 0;
}
