// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysfuzz [--seconds N] [--seed N] [--keep FOLDER] [--programs N] [--trace]
 * sysfuzz --pack FILE --keep FOLDER
 *
 * Runs programs in processes of their own, some hundred in each; a process that
 * dies or does not end is a failure, which prints the program. What the kernel
 * has to say is in its log. Kept programs, and new ones that reach more, are in
 * FOLDER, one in a file or many with empty lines between them. --pack runs each
 * once, the longest first, and writes those into FILE that reach something
 * which none before them did. --trace writes each into the kernel's log before
 * it runs, so that the last one of a kernel that died can be read there.
 */
#include "sysfuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#define BATCH 100	/* programs of a process */
#define ENOUGH 1000	/* programs in which everything works some time */
#define CORPUS 4096
#define MAX_OPS 64
#define OTHER_UID 4711
#define EXIT_SKIP 77

/* Of all processes. */
struct shared {
	uint8_t map[MAP_BITS / 8];
	struct program corpus[CORPUS];
	bool reaches[CORPUS];		/* more than those before it */
	unsigned int n_corpus, n_loaded;
	struct program current;
	uint64_t state;			/* of the random numbers */
	uint64_t programs, most, steps;
	uint64_t tried[MAX_OPS], worked[MAX_OPS];
	uint32_t turn;			/* changes with each program */
};

static struct shared *shared;
static struct kcov kcov[2];
static bool trace;

/* ---- random programs ---- */

static uint32_t rnd(uint32_t n)
{
	shared->state = shared->state * 6364136223846793005ULL +
			1442695040888963407ULL;
	return (uint32_t)(shared->state >> 33) % n;
}

static uint32_t rnd32(void)
{
	return rnd(1U << 16) << 16 | rnd(1U << 16);
}

static uint8_t random_op(void)
{
	static unsigned int sum;
	unsigned int i, at;

	if (!sum)
		for (i = 0; i < n_ops; i++)
			sum += ops[i].weight;
	at = rnd(sum);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	return (uint8_t)i;
}

static uint8_t random_slot(const char *usual)
{
	char digit[2] = { usual[rnd((uint32_t)strlen(usual))], 0 };

	return (uint8_t)(rnd(5) ? strtoul(digit, NULL, 16) : rnd(SLOTS));
}

static struct rec random_rec(void)
{
	uint8_t op = random_op();

	return (struct rec){
		.op = op, .a = random_slot(ops[op].a),
		.b = random_slot(ops[op].b) | (uint8_t)(rnd(16) << 4),
		.c = (uint8_t)rnd(256), .d = rnd32(),
	};
}

static struct rec beginning(void)
{
	struct rec r = random_rec();
	unsigned int tries;

	for (tries = 0; tries < 40 && !ops[r.op].begins; tries++)
		r = random_rec();
	return r;
}

/* Whole buses first, or hardly anything would work. */
static void random_program(struct program *p)
{
	unsigned int thread, i, buses = 1 + rnd(3);

	memset(p, 0, sizeof(*p));
	p->n[0] = (uint16_t)(4 + rnd(MAX_RECS - 3));
	p->n[1] = (uint16_t)(rnd(3) ? 0 : 1 + rnd(MAX_RECS));
	for (thread = 0; thread < 2; thread++)
		for (i = 0; i < p->n[thread]; i++)
			p->recs[thread][i] = !thread && i < buses ?
					     beginning() : random_rec();
}

static void mutate_rec(struct rec *r)
{
	switch (rnd(6)) {
	case 0:
		*r = random_rec();
		break;
	case 1:
		r->a = random_slot(ops[r->op].a);
		break;
	case 2:
		r->b = random_slot(ops[r->op].b) | (uint8_t)(rnd(16) << 4);
		break;
	case 3:
		r->c ^= (uint8_t)(1U << rnd(8));
		break;
	case 4:
		r->d ^= 1U << rnd(32);
		break;
	default:
		r->d = rnd32();
	}
}

static void insert(struct program *p, unsigned int thread, unsigned int at,
		   struct rec r)
{
	struct rec *recs = p->recs[thread];

	if (p->n[thread] == MAX_RECS)
		return;
	memmove(recs + at + 1, recs + at, (p->n[thread] - at) * sizeof(r));
	recs[at] = r;
	p->n[thread]++;
}

static void drop(struct program *p, unsigned int thread, unsigned int at)
{
	struct rec *recs = p->recs[thread];

	memmove(recs + at, recs + at + 1,
		(--p->n[thread] - at) * sizeof(*recs));
}

static void mutate(struct program *p)
{
	unsigned int thread = p->n[1] && rnd(2), n = p->n[thread];
	const struct program *other;

	switch (rnd(6)) {
	case 0:
		insert(p, thread, rnd(n + 1), random_rec());
		break;
	case 1:
		if (n > 1)
			drop(p, thread, rnd(n));
		break;
	case 2:
		if (n)
			insert(p, thread, rnd(n + 1), p->recs[thread][rnd(n)]);
		break;
	case 3:
		/* The rest of another one, or that in the other thread. */
		other = &shared->corpus[rnd(shared->n_corpus)];
		if (rnd(2)) {
			p->n[1] = other->n[0];
			memcpy(p->recs[1], other->recs[0], sizeof(p->recs[1]));
		} else {
			n = rnd(n + 1);
			p->n[thread] = (uint16_t)n;
			while (n < other->n[0] && p->n[thread] < MAX_RECS)
				insert(p, thread, p->n[thread],
				       other->recs[0][n++]);
		}
		break;
	default:
		if (n)
			mutate_rec(&p->recs[thread][rnd(n)]);
	}
}

static void next_program(struct program *p)
{
	unsigned int times = 1 + rnd(5);

	/* What was kept runs once as it is. */
	if (shared->programs < shared->n_loaded) {
		*p = shared->corpus[shared->programs];
		return;
	}
	if (!shared->n_corpus || !rnd(10)) {
		random_program(p);
		return;
	}
	/* Rather something new. */
	*p = shared->corpus[rnd(2) ? rnd(shared->n_corpus) :
			    shared->n_corpus - 1 -
			    rnd((shared->n_corpus + 7) / 8)];
	while (times--)
		mutate(p);
	if (!p->n[0])
		insert(p, 0, 0, random_rec());
}

/* ---- programs as text ---- */

static void print_program(FILE *f, const struct program *p)
{
	unsigned int thread, i;

	for (thread = 0; thread < 2; thread++) {
		for (i = 0; i < p->n[thread]; i++) {
			const struct rec *r = &p->recs[thread][i];

			fprintf(f, "%u %s %u %u %#x %#x\n", thread,
				ops[r->op].name, r->a, r->b, r->c, r->d);
		}
	}
}

static void read_line(struct program *p, const char *line)
{
	unsigned int thread, a, b, c, d, i;
	char name[32];

	if (sscanf(line, "%u %31s %u %u %x %x", &thread, name, &a, &b, &c,
		   &d) != 6 || thread > 1)
		return;
	for (i = 0; i < n_ops && strcmp(ops[i].name, name); i++)
		;
	if (i < n_ops)
		insert(p, thread, p->n[thread], (struct rec){
			(uint8_t)i, (uint8_t)a, (uint8_t)b, (uint8_t)c, d });
}

static void take_program(struct program *p)
{
	if (p->n[0] && shared->n_corpus < CORPUS) {
		shared->corpus[shared->n_corpus] = *p;
		shared->n_loaded = ++shared->n_corpus;
	}
	memset(p, 0, sizeof(*p));
}

static void load_file(const char *path)
{
	struct program p = { 0 };
	FILE *f = fopen(path, "r");
	char line[200];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '\n')
			take_program(&p);
		else
			read_line(&p, line);
	}
	take_program(&p);
	fclose(f);
}

static void load(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	char path[4096];

	if (!dir)
		return;
	while ((e = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			load_file(path);
	}
	closedir(dir);
}

static uint64_t hash(const struct program *p)
{
	const uint8_t *b = (const uint8_t *)p;
	uint64_t h = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < sizeof(*p); i++)
		h = (h ^ b[i]) * 0x100000001b3ULL;
	return h;
}

static void save(const char *folder, const struct program *p)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%016llx", folder,
		 (unsigned long long)hash(p));
	f = fopen(path, "w");
	if (!f)
		return;
	print_program(f, p);
	fclose(f);
}

static int by_length(const void *a, const void *b)
{
	const struct program *p = a, *q = b;

	return (q->n[0] + q->n[1]) - (p->n[0] + p->n[1]);
}

static bool pack(const char *path)
{
	unsigned int i, n = 0;
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		return false;
	}
	fprintf(f, "# SPDX-License-Identifier: LGPL-2.1-or-later\n"
		"# Written by sysfuzz --pack; docs/testing.md tells how.\n\n");
	for (i = 0; i < shared->n_loaded; i++) {
		if (!shared->reaches[i])
			continue;
		if (n++)
			fputc('\n', f);
		print_program(f, &shared->corpus[i]);
	}
	printf("%u of %u programs packed\n", n, shared->n_loaded);
	return !fclose(f) && n;
}

/* Before it runs, for who reads the log of a dead kernel. */
static void write_to_log(const struct program *p)
{
	FILE *f = fopen("/dev/kmsg", "w");
	unsigned int thread, i;

	if (!f)
		return;
	fprintf(f, "<6>sysfuzz:");
	for (thread = 0; thread < 2; thread++)
		for (i = 0; i < p->n[thread]; i++) {
			const struct rec *r = &p->recs[thread][i];

			fprintf(f, " %u,%s,%u,%u,%#x,%#x;", thread,
				ops[r->op].name, r->a, r->b, r->c, r->d);
		}
	fputc('\n', f);
	fclose(f);
}

/* ---- running ---- */

static void run_thread(unsigned int thread)
{
	const struct program *p = &shared->current;
	unsigned int i;

	kcov_start(&kcov[thread]);
	for (i = 0; i < p->n[thread]; i++) {
		const struct rec *r = &p->recs[thread][i];

		shared->tried[r->op]++;
		shared->worked[r->op] += ops[r->op].run(r);
	}
	kcov_stop(&kcov[thread]);
}

static void *second_thread(void *arg)
{
	run_thread(1);
	return NULL;
}

static void run_program(void)
{
	struct program *p = &shared->current;
	unsigned int new;
	pthread_t second;

	world_begin();
	if (p->n[1] && pthread_create(&second, NULL, second_thread, NULL))
		_exit(3);
	run_thread(0);
	if (p->n[1])
		pthread_join(second, NULL);
	new = kcov_collect(&kcov[0], shared->map);
	if (p->n[1])
		new += kcov_collect(&kcov[1], shared->map);
	world_end();
	shared->steps += new;
	if (shared->programs < shared->n_loaded)
		shared->reaches[shared->programs] = new;
	else if (new && shared->n_corpus < CORPUS)
		shared->corpus[shared->n_corpus++] = *p;
}

static void on_alarm(int signal)
{
}

/* Whatever blocks in a program is interrupted, again and again. */
static void prepare(bool other_user)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval t = { { .tv_usec = 100000 }, { .tv_usec = 100000 } };
	struct rlimit many = { 4096, 4096 };

	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fd;

	for (fd = 3; fd < FIRST_FD; fd++)
		dup2(nothing, fd);
	kcov_open(&kcov[0], 3);
	kcov_open(&kcov[1], 4);
	sigaction(SIGALRM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	setitimer(ITIMER_REAL, &t, NULL);
	setrlimit(RLIMIT_NOFILE, &many);
	if (other_user && (setgroups(0, NULL) ||
			   setresgid(OTHER_UID, OTHER_UID, OTHER_UID) ||
			   setresuid(OTHER_UID, OTHER_UID, OTHER_UID)))
		_exit(3);
}

static void batch(bool other_user)
{
	unsigned int i;

	prepare(other_user);
	for (i = 0; i < BATCH; i++) {
		if (shared->programs >= shared->most)
			break;
		next_program(&shared->current);
		if (trace)
			write_to_log(&shared->current);
		run_program();
		shared->programs++;
		__atomic_add_fetch(&shared->turn, 1, __ATOMIC_SEQ_CST);
	}
	_exit(0);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

static void tell(const char *what)
{
	fprintf(stderr, "%s, in this program:\n", what);
	print_program(stderr, &shared->current);
}

/* False: @pid goes on with one program for a minute. */
static bool wait_for(pid_t pid, int *status, bool *stopped, uint64_t end)
{
	uint32_t turn = shared->turn;
	uint64_t since = now();
	const struct timespec pause = { .tv_nsec = 20000000 };

	while (!waitpid(pid, status, WNOHANG)) {
		if (shared->turn != turn) {
			turn = shared->turn;
			since = now();
		}
		if (now() > since + 60)
			return false;
		if (!*stopped && now() >= end) {
			*stopped = true;
			kill(pid, SIGKILL);
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

static bool run_batch(bool other_user, uint64_t end)
{
	pid_t pid = fork();
	bool stopped = false;
	int status;

	if (pid < 0)
		return false;
	if (!pid)
		batch(other_user);
	if (!wait_for(pid, &status, &stopped, end)) {
		tell("no end in sight");
		kill(pid, SIGKILL);
		sleep(10);
		if (!waitpid(pid, &status, WNOHANG))
			fprintf(stderr, "and it cannot be killed\n");
		return false;
	}
	if (stopped || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return true;
	tell(WIFEXITED(status) ? "it ended" : "it died");
	fprintf(stderr, "status %#x\n", status);
	return false;
}

/* Whether everything was tried, and worked some time. */
static bool report(void)
{
	bool good = true;
	unsigned int i;

	printf("%llu programs, %u kept", (unsigned long long)shared->programs,
	       shared->n_corpus);
	if (shared->steps)
		printf(", %llu steps in the modules",
		       (unsigned long long)shared->steps);
	printf("\n");
	for (i = 0; i < n_ops; i++) {
		printf("%-14s %8llu of %llu\n", ops[i].name,
		       (unsigned long long)shared->worked[i],
		       (unsigned long long)shared->tried[i]);
		if (ops[i].must_work && !shared->worked[i] &&
		    shared->programs >= ENOUGH) {
			fprintf(stderr, "%s never worked\n", ops[i].name);
			good = false;
		}
	}
	return good;
}

static void usage(void)
{
	fprintf(stderr, "usage: sysfuzz [--seconds N] [--seed N] "
		"[--keep FOLDER] [--programs N] [--trace]\n"
		"       sysfuzz --pack FILE --keep FOLDER\n");
	exit(2);
}

int main(int argc, char **argv)
{
	uint64_t seconds = 10, most = UINT64_MAX, seed = 0, end;
	const char *keep = NULL, *packed = NULL;
	bool good = true;
	unsigned int i, saved;
	int arg, fd;

	for (arg = 1; arg < argc; arg++) {
		const char *value = argv[arg + 1];

		if (!strcmp(argv[arg], "--trace")) {
			trace = true;
			continue;
		}
		if (!value)
			usage();
		if (!strcmp(argv[arg], "--seconds"))
			seconds = strtoull(value, NULL, 10);
		else if (!strcmp(argv[arg], "--programs"))
			most = strtoull(value, NULL, 10);
		else if (!strcmp(argv[arg], "--seed"))
			seed = strtoull(value, NULL, 10);
		else if (!strcmp(argv[arg], "--keep"))
			keep = value;
		else if (!strcmp(argv[arg], "--pack"))
			packed = value;
		else
			usage();
		arg++;
	}
	if (packed && !keep)
		usage();
	fd = socket(family(), SOCK_SEQPACKET, BUS_PROTO_DBUS);
	if (fd < 0) {
		fprintf(stderr, "skipped: no module\n");
		return EXIT_SKIP;
	}
	close(fd);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || n_ops > MAX_OPS)
		return 1;
	shared->state = seed ? seed : (uint64_t)time(NULL) * 7919 + getpid();
	printf("seed %llu\n", (unsigned long long)shared->state);
	fflush(stdout);
	if (keep)
		load(keep);
	shared->most = most;
	if (packed) {
		qsort(shared->corpus, shared->n_loaded,
		      sizeof(*shared->corpus), by_length);
		shared->most = shared->n_loaded;
		seconds = UINT32_MAX;
	}
	end = now() + seconds;
	saved = shared->n_loaded;
	for (i = 0; good && now() < end && shared->programs < shared->most;
	     i++) {
		/* What was kept was found by root, for the most part. */
		good = run_batch(shared->programs >= shared->n_loaded &&
				 i % 4 == 3, end);
		for (; keep && saved < shared->n_corpus; saved++)
			save(keep, &shared->corpus[saved]);
	}
	good &= report();
	return !(good && (!packed || pack(packed)));
}
