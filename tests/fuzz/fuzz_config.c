/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a configuration file. Whatever it is, reading it ends well, a refusal
 * has a reason, and a policy that was taken compiles to a block that passes
 * its own check.
 */
#include <errno.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/log.h"

#include "fuzz.h"

static void compile(struct config *c, const struct creds *creds)
{
	struct policy_block *b;
	int err = policy_set_compile(c->policy, creds, &b);

	CHECK(!err || err == -EMSGSIZE);
	if (err)
		return;
	CHECK(!policy_check(&b->p, b->p.size));
	policy_own(&b->p, "a.b", 3);
	policy_block_unref(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static gid_t groups[] = { 0, 100 };
	static const struct creds user = {
		.uid = 1000, .groups = groups, .n_groups = 2,
	};
	char why[CONFIG_WHY_MAX] = "";
	struct config *c = NULL;
	int err;

	log_open(false, false);
	err = config_parse(&c, "input", (const char *)data, size, why);
	CHECK(!err == !!c);
	if (err) {
		CHECK(!strncmp(why, "input:", 6));
		return 0;
	}
	compile(c, NULL);
	compile(c, &user);
	policy_set_connect(c->policy, &user, 0);
	policy_set_is_open(c->policy);
	config_free(c);
	return 0;
}
