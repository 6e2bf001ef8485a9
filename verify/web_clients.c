#include "verify/web_clients.h"
#include "base/clock.h"
#include "base/heap.h"
#include "verify/web_host.h"
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#define LOOK_MS 500

struct web_client {
    int socket; /* −1: free place */
    bool answering;
    uint64_t since, until; /* ticks */
};

struct web_clients {
    pthread_mutex_t lock;
    pthread_cond_t ending;
    pthread_t looker;
    bool looking; /* the thread runs */
    bool end;
    size_t count;
    struct web_client at[WEB_CLIENTS];
};

static void shut(const struct web_client *c)
{
    (void)shutdown(c->socket, SHUT_RDWR); /* the host then finds it closed */
}

static void look(struct web_clients *c)
{
    uint64_t now = clock_ticks();
    for (size_t i = 0; i < WEB_CLIENTS; i++)
        if (c->at[i].socket >= 0 && now > c->at[i].until)
            shut(&c->at[i]);
}

static void *looker(void *ctx)
{
    struct web_clients *c = ctx;
    (void)pthread_mutex_lock(&c->lock);
    while (!c->end) {
        uint64_t next = clock_ticks() + LOOK_MS * UINT64_C(1000000);
        struct timespec until = {.tv_sec = (time_t)(next / 1000000000u),
                                 .tv_nsec = (long)(next % 1000000000u)};
        (void)pthread_cond_timedwait(&c->ending, &c->lock, &until);
        look(c);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

void web_clients_close(struct web_clients *c)
{
    if (c->looking) {
        (void)pthread_mutex_lock(&c->lock);
        c->end = true;
        (void)pthread_cond_signal(&c->ending);
        (void)pthread_mutex_unlock(&c->lock);
        (void)pthread_join(c->looker, NULL);
    }
    (void)pthread_cond_destroy(&c->ending);
    (void)pthread_mutex_destroy(&c->lock);
    heap_free(c);
}

enum status web_clients_open(struct web_clients **out, struct err *e)
{
    pthread_condattr_t how;
    struct web_clients *c = heap_zero(1, sizeof *c);
    if (c == NULL)
        return err_set(e, ST_NO_MEMORY, NULL, "no memory for the clients of a web host");
    for (size_t i = 0; i < WEB_CLIENTS; i++)
        c->at[i].socket = -1;
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_condattr_init(&how);
    (void)pthread_condattr_setclock(&how, CLOCK_MONOTONIC); /* that of clock_ticks */
    (void)pthread_cond_init(&c->ending, &how);
    (void)pthread_condattr_destroy(&how);
    int failed = pthread_create(&c->looker, NULL, looker, c);
    c->looking = failed == 0;
    if (failed != 0) {
        web_clients_close(c);
        return err_sys(e, failed, "start a thread", NULL);
    }
    *out = c;
    return ST_OK;
}

static void ask(struct web_client *c)
{
    c->answering = false;
    c->since = clock_ticks();
    c->until = c->since + WEB_HEAD_MS * UINT64_C(1000000);
}

/* The one that has been asking for longest goes. */
static void make_room(struct web_clients *c)
{
    const struct web_client *oldest = NULL;
    for (size_t i = 0; i < WEB_CLIENTS; i++) {
        const struct web_client *w = &c->at[i];
        if (w->socket >= 0 && !w->answering && (oldest == NULL || w->since < oldest->since))
            oldest = w;
    }
    if (oldest != NULL)
        shut(oldest);
}

struct web_client *web_clients_enter(struct web_clients *c, int socket)
{
    struct web_client *place = NULL;
    (void)pthread_mutex_lock(&c->lock);
    if (c->count >= WEB_CLIENTS * 3 / 4)
        make_room(c);
    for (size_t i = 0; i < WEB_CLIENTS && place == NULL; i++)
        if (c->at[i].socket < 0)
            place = &c->at[i];
    if (place != NULL) {
        place->socket = socket;
        c->count++;
        ask(place);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return place;
}

void web_clients_leave(struct web_clients *c, struct web_client *client)
{
    if (client == NULL)
        return;
    (void)pthread_mutex_lock(&c->lock);
    client->socket = -1;
    c->count--;
    (void)pthread_mutex_unlock(&c->lock);
}

void web_clients_answer(struct web_clients *c, struct web_client *client, uint64_t n)
{
    if (client == NULL)
        return;
    (void)pthread_mutex_lock(&c->lock);
    client->answering = true;
    client->until = clock_ticks() + (WEB_HEAD_MS + n / (WEB_SLOWEST / 1000u)) * UINT64_C(1000000);
    (void)pthread_mutex_unlock(&c->lock);
}

void web_clients_answered(struct web_clients *c, struct web_client *client)
{
    if (client == NULL)
        return;
    (void)pthread_mutex_lock(&c->lock);
    ask(client);
    (void)pthread_mutex_unlock(&c->lock);
}
