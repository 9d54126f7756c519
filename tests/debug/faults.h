/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a program's scenario again and again, each time in a child, while the
 * kernel makes one of its steps fail. The scripts of this folder have set the
 * rest of the kernel's fault injection up (lib.sh).
 *
 *	PROGRAM			the scenario, once, without faults
 *	PROGRAM count		says how many steps may fail
 *	PROGRAM nth KIND...	the first step that may fail does, then the
 *				second, until none is left
 *	PROGRAM at KIND...	for each line "ADDRESS INTERVAL TIMES NAME" of
 *				standard input: what returns to the address
 *				fails at every INTERVAL-th call, TIMES times
 *
 * KIND is a folder of debugfs: failslab, fail_page_alloc, fail_usercopy. A
 * child exits with 0 or FAULTS_TOLD, and leaves the modules unused; all else
 * is shown and counted. The last line sums up; exit status 1 if anything went
 * wrong.
 */
#ifndef AFBUS_FAULTS_H
#define AFBUS_FAULTS_H

/* A step failed, and whom it concerns was told. */
#define FAULTS_TOLD 3

int faults_main(int argc, char **argv, void (*scenario)(void));

#endif
