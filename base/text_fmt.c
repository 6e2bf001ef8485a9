/* The formatter: printf's useful tenth, without libc, locale or floating point. */
#include "base/ensure.h"
#include "base/text.h"

/* Where formatted bytes go: an array that truncates, or a buf. */
struct out {
    char *at;
    size_t cap, n; /* n counts on past cap */
    struct buf *to;
};

enum size {
    SIZE_INT,
    SIZE_CHAR,
    SIZE_SHORT,
    SIZE_LONG,
    SIZE_LONG_LONG,
    SIZE_SIZE,
    SIZE_MAX_T,
    SIZE_DIFF
};

struct spec {
    bool left, zero;
    size_t width;
    size_t precision; /* SIZE_MAX: none */
    enum size size;
};

static void put(struct out *o, const char *s, size_t n)
{
    if (o->to != NULL)
        buf_append(o->to, SPAN(s, n));
    else if (o->n < o->cap) {
        size_t room = o->cap - o->n;
        __builtin_memcpy(o->at + o->n, s, n < room ? n : room);
    }
    o->n += n;
}

static void put_repeat(struct out *o, char c, size_t n)
{
    for (; n > 0; n--)
        put(o, &c, 1);
}

/* sign + body in a field: spaces before, or zeros after the sign, or spaces behind. */
static void put_padded(struct out *o, const struct spec *s, const char *sign, const char *body,
                       size_t n)
{
    size_t lead = __builtin_strlen(sign), used = lead + n;
    size_t pad = s->width > used ? s->width - used : 0;
    if (!s->left && !s->zero)
        put_repeat(o, ' ', pad);
    put(o, sign, lead);
    if (!s->left && s->zero)
        put_repeat(o, '0', pad);
    put(o, body, n);
    if (s->left)
        put_repeat(o, ' ', pad);
}

static void put_number(struct out *o, const struct spec *s, const char *sign, uint64_t v,
                       unsigned base, const char *digits)
{
    char text[24];
    size_t at = sizeof text;
    do {
        text[--at] = digits[v % base];
        v /= base;
    } while (v > 0);
    put_padded(o, s, sign, text + at, sizeof text - at);
}

static uint64_t take_unsigned(enum size size, va_list *ap)
{
    switch (size) {
    case SIZE_CHAR: return (unsigned char)va_arg(*ap, unsigned);
    case SIZE_SHORT: return (unsigned short)va_arg(*ap, unsigned);
    case SIZE_LONG: return va_arg(*ap, unsigned long);
    case SIZE_LONG_LONG: return va_arg(*ap, unsigned long long);
    case SIZE_SIZE: return va_arg(*ap, size_t);
    case SIZE_MAX_T: return va_arg(*ap, uintmax_t);
    case SIZE_DIFF: return (uint64_t)va_arg(*ap, ptrdiff_t);
    case SIZE_INT: return va_arg(*ap, unsigned);
    }
    return 0;
}

static int64_t take_signed(enum size size, va_list *ap)
{
    switch (size) {
    case SIZE_CHAR: return (signed char)va_arg(*ap, int);
    case SIZE_SHORT: return (short)va_arg(*ap, int);
    case SIZE_LONG: return va_arg(*ap, long);
    case SIZE_LONG_LONG: return va_arg(*ap, long long);
    case SIZE_SIZE:
    case SIZE_DIFF: return va_arg(*ap, ptrdiff_t);
    case SIZE_MAX_T: return va_arg(*ap, intmax_t);
    case SIZE_INT: return va_arg(*ap, int);
    }
    return 0;
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
    size_t n = 0;
    if (text == NULL)
        text = "(null)";
    while (n < s->precision && text[n] != 0)
        n++;
    put_padded(o, s, "", text, n);
}

/* Digits or a star at *fmt; a negative star counts as `negative`. */
static size_t read_amount(const char **fmt, va_list *ap, size_t negative)
{
    if (**fmt == '*') {
        ++*fmt;
        int v = va_arg(*ap, int);
        return v < 0 ? negative : (size_t)v;
    }
    size_t v = 0;
    for (; **fmt >= '0' && **fmt <= '9'; ++*fmt)
        v = v * 10 + (size_t)(**fmt - '0');
    return v;
}

static enum size read_size(const char **fmt)
{
    char c = **fmt;
    if (c != 'h' && c != 'l' && c != 'z' && c != 'j' && c != 't')
        return SIZE_INT;
    ++*fmt;
    if ((c == 'h' || c == 'l') && **fmt == c) {
        ++*fmt;
        return c == 'h' ? SIZE_CHAR : SIZE_LONG_LONG;
    }
    return c == 'h'   ? SIZE_SHORT
           : c == 'l' ? SIZE_LONG
           : c == 'z' ? SIZE_SIZE
           : c == 'j' ? SIZE_MAX_T
                      : SIZE_DIFF;
}

static struct spec read_spec(const char **fmt, va_list *ap)
{
    struct spec s = {.precision = SIZE_MAX};
    for (; **fmt == '-' || **fmt == '0'; ++*fmt) {
        s.left = s.left || **fmt == '-';
        s.zero = s.zero || **fmt == '0';
    }
    s.width = read_amount(fmt, ap, 0);
    if (**fmt == '.') {
        ++*fmt;
        s.precision = read_amount(fmt, ap, SIZE_MAX);
    }
    s.size = read_size(fmt);
    return s;
}

static void put_conversion(struct out *o, struct spec *s, char kind, va_list *ap)
{
    if (kind == 's') {
        s->zero = false;
        put_string(o, s, va_arg(*ap, const char *));
    } else if (kind == 'c') {
        char c = (char)va_arg(*ap, int);
        s->zero = false;
        put_padded(o, s, "", &c, 1);
    } else if (kind == 'd' || kind == 'i') {
        int64_t v = take_signed(s->size, ap);
        put_number(o, s, v < 0 ? "-" : "", v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, "0123456789");
    } else if (kind == 'u') {
        put_number(o, s, "", take_unsigned(s->size, ap), 10, "0123456789");
    } else if (kind == 'x' || kind == 'X') {
        const char *digits = kind == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
        put_number(o, s, "", take_unsigned(s->size, ap), 16, digits);
    } else if (kind == 'p') {
        put_number(o, s, "0x", (uintptr_t)va_arg(*ap, void *), 16, "0123456789abcdef");
    } else {
        ENSURE(kind == '%');
        put(o, "%", 1);
    }
}

/* va_list may be an array type, whose address a parameter does not give: hence the struct's copy.
 */
struct arguments {
    va_list ap;
};

static void format(struct out *o, const char *fmt, va_list ap)
{
    struct arguments a;
    va_copy(a.ap, ap);
    while (*fmt != 0) {
        size_t plain = 0;
        while (fmt[plain] != 0 && fmt[plain] != '%')
            plain++;
        put(o, fmt, plain);
        fmt += plain;
        if (*fmt == 0)
            break;
        fmt++;
        struct spec s = read_spec(&fmt, &a.ap);
        char kind = *fmt;
        ENSURE(kind != 0);
        fmt++;
        put_conversion(o, &s, kind, &a.ap);
    }
    va_end(a.ap);
}

size_t text_vfmt(char *out, size_t cap, const char *fmt, va_list ap)
{
    ENSURE(cap > 0);
    struct out o = {.at = out, .cap = cap - 1};
    format(&o, fmt, ap);
    out[o.n < o.cap ? o.n : o.cap] = 0;
    return o.n;
}

size_t text_fmt(char *out, size_t cap, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    size_t n = text_vfmt(out, cap, fmt, ap);
    va_end(ap);
    return n;
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
    struct out o = {.to = b};
    va_list ap;
    va_start(ap, fmt);
    format(&o, fmt, ap);
    va_end(ap);
}
