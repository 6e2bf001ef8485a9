/* The clients of a web host: how long each may take, and who has to go when there are too many.
 *
 *     connected ──its head is complete──▶ answering ──answered──▶ connected (asking again)
 *        │ WEB_HEAD_MS                        │ WEB_HEAD_MS + its bytes at WEB_SLOWEST
 *        ▼                                    ▼
 *      shut                                  shut
 *
 * The library below knows idle time only, which a client that sends a byte now and then never has;
 * here the whole of a head and the whole of an answer are timed. A thread looks twice a second.
 * When three quarters of the places are taken, the client that has been asking for longest is shut
 * for each that comes. Calls may come from any thread. */
#ifndef VERIFY_WEB_CLIENTS_H
#define VERIFY_WEB_CLIENTS_H

#include "base/err.h"
#include "base/scope.h"
#include <stdint.h>

struct web_clients; /* all of them */
struct web_client;  /* one; NULL is fine everywhere: a client without a place is not timed */

enum status web_clients_open(struct web_clients **out, struct err *e) MUST_CHECK;
void web_clients_close(struct web_clients *c); /* once nobody is connected any more */
SCOPE_OF(web_clients, struct web_clients, web_clients_close)

/* A connection, and its end; the socket must stay open between the two. */
struct web_client *web_clients_enter(struct web_clients *c, int socket);
void web_clients_leave(struct web_clients *c, struct web_client *client);
/* Its head is complete and n bytes are on their way. */
void web_clients_answer(struct web_clients *c, struct web_client *client, uint64_t n);
/* It has what it asked for. */
void web_clients_answered(struct web_clients *c, struct web_client *client);

#endif
