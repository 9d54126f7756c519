/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Behind the kernel's configuration: what gcc can do and clang cannot. Named
 * address spaces the kernel itself wants of gcc only; clang 14 loses them, and
 * reads a variable of this processor at an address near 0.
 */
#undef CONFIG_CC_HAS_NAMED_AS
#undef CONFIG_CC_HAS_NAMED_AS_FIXED_SANITIZERS
#undef CONFIG_USE_X86_SEG_SUPPORT
