// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/bench/document.h"
#include "tools/bench/common.h"
#include "tools/bench/results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

FILE *document;
/* Seen by children, who write the parts. */
static unsigned int *parts;

void document_string(const char *s)
{
	fputc('"', document);
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			fprintf(document, "\\%c", *s);
		else if ((unsigned char)*s < ' ')
			fprintf(document, "\\u%04x", *s);
		else
			fputc(*s, document);
	fputc('"', document);
}

void document_part(void)
{
	fputs((*parts)++ ? "," : "", document);
}

static void pair(const char *key, const char *value)
{
	fprintf(document, "\"%s\":", key);
	document_string(value ? value : "");
	fputs(",\n", document);
}

/* The first "model name" of /proc/cpuinfo, or nothing. */
static void cpu(char *name, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256], *s;

	*name = 0;
	while (f && !*name && fgets(line, sizeof(line), f))
		if (!strncmp(line, "model name", 10) && (s = strchr(line, ':')))
			snprintf(name, size, "%.*s",
				 (int)strcspn(s + 2, "\n"), s + 2);
	if (f)
		fclose(f);
}

static void head(void)
{
	struct utsname u;
	char name[256], day[16] = "";
	time_t now = time(NULL);
	struct tm tm;

	uname(&u);
	cpu(name, sizeof(name));
	if (gmtime_r(&now, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	fputs("{\"format\":1,\n", document);
	pair("afbus", AFBUS_VERSION);
	pair("commit", getenv("AFBUS_BENCH_COMMIT"));
	pair("date", day);
	pair("kernel", u.release);
	pair("kernel_version", u.version);
	pair("cpu", name);
	pair("where", bench_where() == BENCH_HOST ? "host" : "vm");
	pair("clock", bench_where() == BENCH_VM_ICOUNT ?
	     "instructions" : "time");
	fprintf(document, "\"processors\":%ld,\n\"suites\":[\n",
		sysconf(_SC_NPROCESSORS_ONLN));
}

int bench_document_open(const char *path)
{
	parts = mmap(NULL, sizeof(*parts), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (parts == MAP_FAILED) {
		perror("afbus bench");
		return 1;
	}
	document = strcmp(path, "-") ? fopen(path, "we") : stdout;
	if (!document) {
		fprintf(stderr, "afbus bench: %s: %s\n", path,
			strerror(errno));
		return 1;
	}
	head();
	return 0;
}

void bench_document_flush(void)
{
	if (document)
		fflush(document);
}

int bench_document_close(void)
{
	FILE *f = document;
	int bad;

	fputs("]}\n", f);
	document = NULL;
	bad = fflush(f) || ferror(f);
	if (f != stdout)
		bad |= fclose(f);
	if (bad)
		perror("afbus bench: cannot write the results");
	return bad != 0;
}
