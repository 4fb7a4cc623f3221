/* Pairs with the ends of a client's connection, within the router's own network. */
#pragma once

struct backend;
struct ends;

/* Makes that network, and a pair in it to see that it works. @confine: see own_network_open(). 0 or
 * -errno. */
int native_pair_open(struct backend *b, void (*confine)(void));

/* Two connected ends, owned by the caller; the app that gets @ret_far sees @ends, though another
 * port of the client's where its own is in use. 0 or -errno: it cannot be, which is said once. */
int native_pair(struct backend *b, const struct ends *ends, int *ret_near, int *ret_far);
