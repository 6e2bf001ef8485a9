#include "base/clock.h"
#include "base/ensure.h"
#include "base/text.h"
#include <string.h>
#include <time.h>

#define DAY           86400
#define TIME_LAST     INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DAYS_PER_ERA  146097                /* 400 Gregorian years */
#define DAYS_TO_EPOCH 719468                /* from 0000-03-01 to 1970-01-01 */

int64_t clock_now(const struct clock *c)
{
    if (c != NULL && c->injected)
        return c->fixed;
    struct timespec t;
    int failed = clock_gettime(CLOCK_REALTIME, &t);
    ENSURE(failed == 0);
    return t.tv_sec;
}

uint64_t clock_ticks(void)
{
    struct timespec t;
    int failed = clock_gettime(CLOCK_MONOTONIC, &t);
    ENSURE(failed == 0);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct date {
    int64_t year;
    int month, day; /* from 1 */
};

/* Years begin in March, so that the leap day is the last and a month's start is linear. */
static struct date date_of(int64_t days)
{
    days += DAYS_TO_EPOCH;
    int64_t era = days / DAYS_PER_ERA, in_era = days % DAYS_PER_ERA;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int in_year = (int)(in_era - (365 * year + year / 4 - year / 100));
    int march_month = (5 * in_year + 2) / 153;
    int month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (struct date){.year = era * 400 + year + (month <= 2),
                         .month = month,
                         .day = in_year - (153 * march_month + 2) / 5 + 1};
}

static int64_t days_of(struct date d)
{
    int64_t year = d.year - (d.month <= 2), era = year / 400, in_era = year % 400;
    int march_month = d.month > 2 ? d.month - 3 : d.month + 9;
    int64_t in_year = (153 * march_month + 2) / 5 + d.day - 1;
    return era * DAYS_PER_ERA + in_era * 365 + in_era / 4 - in_era / 100 + in_year - DAYS_TO_EPOCH;
}

/* Beyond 1970…9999 the nearest end stands for it. */
void time_format(int64_t t, char out[TIME_TEXT_MAX])
{
    t = t < 0 ? 0 : t > TIME_LAST ? TIME_LAST : t;
    struct date d = date_of(t / DAY);
    int s = (int)(t % DAY);
    text_fmt(out, TIME_TEXT_MAX, "%04lld-%02d-%02dT%02d:%02d:%02dZ", (long long)d.year, d.month,
             d.day, s / 3600, s / 60 % 60, s % 60);
}

bool time_parse(const char *s, int64_t *t)
{
    static const char shape[] = "0000-00-00T00:00:00Z";
    if (strlen(s) != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < sizeof shape - 1; i++)
        if (shape[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != shape[i])
            return false;
    int part[6];
    static const uint8_t at[6] = {0, 5, 8, 11, 14, 17}, width[6] = {4, 2, 2, 2, 2, 2};
    for (int i = 0; i < 6; i++) {
        part[i] = 0;
        for (int k = 0; k < width[i]; k++)
            part[i] = part[i] * 10 + (s[at[i] + k] - '0');
    }
    struct date d = {.year = part[0], .month = part[1], .day = part[2]};
    if (d.year < 1970 || d.month < 1 || d.month > 12 || d.day < 1 || part[3] > 23 || part[4] > 59 ||
        part[5] > 59)
        return false;
    int64_t days = days_of(d);
    if (date_of(days).day != d.day) /* a day that its month does not have comes back as another */
        return false;
    *t = days * DAY + part[3] * 3600 + part[4] * 60 + part[5];
    return true;
}
