/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The document of JSON: what was measured, where and how, in parts. */
#ifndef AFBUS_TOOLS_BENCH_DOCUMENT_H
#define AFBUS_TOOLS_BENCH_DOCUMENT_H

#include <stdio.h>

/* NULL: there is none. */
extern FILE *document;

/* A further part of the document begins. */
void document_part(void);
/* In quotation marks. */
void document_string(const char *s);

#endif
