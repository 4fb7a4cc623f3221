/* The process that looks whether this container is alone: SIOINIT_PEERS is a DNS name that has the
 * addresses of all containers of the app (a headless Service of Kubernetes, a service of Compose).
 * It is started when the app's workers have begun to use the relay, which ends at the container,
 * and says once if there are others. It may wait for DNS as long as that takes; it ends when it
 * knows. */
#pragma once

/* Reads what the system says of DNS (resolv.conf), for what follows. */
void peers_prepare(void);

/* Asks for @name, in a row and about one TTL apart, as one that is being replaced is there for a
 * moment, too. The exit status. */
int peers_main(const char *name);
