/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a bus is: a file or an abstract name. */
#ifndef AFBUS_LIB_PLACE_H
#define AFBUS_LIB_PLACE_H

/* A socket of @type bound to @path, or connected to it; the descriptor or
 * -errno. */
int place_bind(int type, const char *path, unsigned int flags);
int place_connect(int type, const char *path, unsigned int flags);

/* Removes the file of a bus that could not be made, if it has one. */
void place_remove(const char *path);

#endif
