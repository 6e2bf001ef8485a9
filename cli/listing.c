#include "cli/listing.h"

struct listing listing_of(struct cli *c, size_t columns)
{
    return (struct listing){.c = c, .table = table_of(columns)};
}

void listing_release(struct listing *l)
{
    table_release(&l->table);
}

void listing_open(struct listing *l, const char *schema)
{
    if (!l->c->json)
        return;
    l->answer = answer_open(l->c, schema);
    l->j = &l->answer;
}

void listing_rows(struct listing *l, const char *key)
{
    if (l->j == NULL)
        return;
    listing_end(l);
    json_key(l->j, key);
    json_array(l->j);
    l->rows = true;
}

void listing_end(struct listing *l)
{
    if (l->rows)
        json_close(l->j);
    l->rows = false;
}

void listing_close(struct listing *l)
{
    listing_end(l);
    if (l->j != NULL)
        answer_close(l->c, l->j);
    else
        table_put(&l->table, &l->c->out);
}
