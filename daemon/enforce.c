// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enforce.h"

#include <string.h>

#include "daemon/log.h"

const char *enforce_refuses_kernel(const struct bus *bus,
				   const struct config *file)
{
	if (!bus->config.unix_only)
		return "the kernel carries unix sockets only";
	if (!policy_set_is_open(file->policy))
		return "the kernel does not enforce the policy of the configuration";
	return NULL;
}

const char *enforce_refuses(const struct bus *bus, const struct config *file)
{
	if (strcmp(sw_kind(bus->sw), "kernel"))
		return NULL;
	return enforce_refuses_kernel(bus, file);
}

static const struct creds *known_creds(const struct peer *peer)
{
	return peer->anonymous ? NULL : &peer->creds;
}

/* On failure it keeps what it has. */
static int renew(struct peer *peer)
{
	struct policy_block *policy;
	int err = policy_set_compile(peer->bus->file->policy,
				     known_creds(peer), &policy);

	if (err)
		return err;
	policy_block_unref(peer->policy);
	peer->policy = policy;
	return 0;
}

void enforce_renew(struct bus *bus)
{
	struct list *l;
	int err;

	for (l = bus->peers.next; l != &bus->peers; l = l->next) {
		struct peer *peer = container_of(l, struct peer, link);

		err = peer->policy ? renew(peer) : 0;
		if (err)
			log_errno(err, "Unable to reload policy for connection \"%s\" (pid %d, uid %u), keeping current policy",
				  peer->unique, (int)peer->creds.pid,
				  (unsigned int)peer->creds.uid);
	}
}

bool enforce_connect(struct peer *peer)
{
	struct bus *bus = peer->bus;
	int err;

	if (peer->anonymous ? !bus->config.allow_anonymous :
	    !policy_set_connect(bus->file->policy, &peer->creds,
				bus->self.uid)) {
		log_info("connection of pid %d, uid %u is not allowed by the configuration",
			 (int)peer->creds.pid, (unsigned int)peer->creds.uid);
		return false;
	}
	err = renew(peer);
	if (err)
		log_errno(err, "cannot make the policy of a connection");
	return !err;
}
