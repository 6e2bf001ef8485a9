#include "base/heap.h"
#include "base/text.h"
#include "store/manifest.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void add_file(struct manifest *m, const char *path, uint64_t bytes)
{
    m->files = heap_grow(m->files, (m->file_count + 1) * sizeof *m->files);
    cr_assert_not_null(m->files);
    struct manifest_file *f = &m->files[m->file_count++];
    *f = (struct manifest_file){.bytes = bytes};
    snprintf(f->path, sizeof f->path, "%s", path);
    f->sha256 = digest_of(span_text(path));
}

static struct manifest sample(bool model)
{
    struct manifest m = {
        .name = "tiny", .version = "1.0", .license = "CC0-1.0", .source_kind = "file"};
    add_file(&m, model ? "model.slm" : "a/notes.txt", 12345);
    if (model)
        m.model = (struct manifest_model){.present = true,
                                          .format = "slm1",
                                          .format_version = 1,
                                          .family = "llama",
                                          .quantization = "q8_0",
                                          .parameters = 16000000,
                                          .internal_checksum = "0123456789abcdef",
                                          .tokenizer_kind = "byte",
                                          .vocab = 256,
                                          .hidden = 64,
                                          .layers = 2,
                                          .heads = 4,
                                          .kv_heads = 2,
                                          .head_dim = 16,
                                          .ffn = 172,
                                          .context = 128};
    else
        add_file(&m, "b", 0);
    return m;
}

static struct buf encode(const struct manifest *m)
{
    struct err e = ERR_NONE;
    struct buf b = BUF_EMPTY;
    cr_assert_eq(manifest_encode(m, &b, &e), ST_OK, "%s", e.detail);
    return b;
}

static enum status decode(struct span text, struct err *e)
{
    SCOPED(manifest_release) struct manifest m = {0};
    *e = ERR_NONE;
    return manifest_decode(text, &m, e);
}

Test(manifest, decodes_to_what_was_encoded)
{
    for (int model = 0; model < 2; model++) {
        struct err e = ERR_NONE;
        SCOPED(manifest_release) struct manifest m = sample(model), back = {0};
        SCOPED(buf_release) struct buf text = encode(&m), again = BUF_EMPTY;
        cr_assert_eq(manifest_decode(buf_span(&text), &back, &e), ST_OK, "%s", e.detail);
        cr_expect_null(manifest_difference(&m, &back));
        cr_assert_eq(manifest_encode(&back, &again, &e), ST_OK);
        cr_expect(span_equal(buf_span(&text), buf_span(&again)));
    }
}

Test(manifest, is_exactly_these_bytes)
{
    SCOPED(manifest_release) struct manifest m = sample(false);
    SCOPED(buf_release) struct buf text = encode(&m);
    static const char head[] =
        "{\"files\":[{\"bytes\":12345,\"path\":\"a/notes.txt\",\"sha256\":\"";
    cr_expect_eq(memcmp(text.p, head, sizeof head - 1), 0);
    static const char tail[] =
        "\"license\":\"CC0-1.0\",\"model\":null,\"name\":\"tiny\",\"schema\":\"assay.manifest/1\","
        "\"source\":{\"kind\":\"file\",\"revision\":\"\",\"uri\":\"\"},\"version\":\"1.0\"}";
    cr_expect_eq(memcmp(text.p + text.n - (sizeof tail - 1), tail, sizeof tail - 1), 0);
}

/* Puts `with` in place of the first `what` in the sample's text and decodes that. */
static enum status swapped(bool model, const char *what, const char *with, struct err *e)
{
    SCOPED(manifest_release) struct manifest m = sample(model);
    SCOPED(buf_release) struct buf text = encode(&m), changed = BUF_EMPTY;
    uint8_t *at = memmem(text.p, text.n, what, strlen(what));
    cr_assert_not_null(at, "%s is not in the sample", what);
    buf_append(&changed, SPAN(text.p, (size_t)(at - text.p)));
    buf_text(&changed, with);
    at += strlen(what);
    buf_append(&changed, SPAN(at, text.n - (size_t)(at - text.p)));
    return decode(buf_span(&changed), e);
}

Test(manifest, refuses_unknown_missing_and_duplicate_members_by_name)
{
    static const struct {
        const char *what, *with, *named;
    } rows[] = {
        {"\"source\":{", "\"recipe\":1,\"source\":{", NULL}, /* not canonical either way */
        {"\"schema\":\"assay.manifest/1\"", "\"schema\":\"assay.manifest/1\",\"size\":1", "size"},
        {"\"quantization\":\"q8_0\"", "\"quantization\":\"q8_0\",\"scale\":1", "scale"},
        {"\"vocab\":256", "\"vocab\":256,\"width\":1", "width"},
        {"\"license\":\"CC0-1.0\",", "", "license"},
        {"\"heads\":4,", "", "heads"},
        {"\"revision\":\"\",", "", "revision"},
        {"\"bytes\":12345,", "", "bytes"},
        {",\"version\":\"1.0\"", "", "version"},
        {"\"name\":\"tiny\",", "\"name\":\"tiny\",\"name\":\"tiny\",", NULL},
        {"\"assay.manifest/1\"", "\"assay.manifest/2\"", "schema"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e;
        cr_expect_eq(swapped(true, rows[i].what, rows[i].with, &e), ST_FORMAT, "row %zu", i);
        if (rows[i].named != NULL)
            cr_expect_not_null(strstr(e.detail, rows[i].named), "row %zu: %s", i, e.detail);
        if (rows[i].with[0] == '\0')
            cr_expect_str_eq(err_code(&e), "manifest-missing", "row %zu", i);
    }
}

Test(manifest, refuses_values_of_the_wrong_kind_or_range_by_name)
{
    static const struct {
        const char *what, *with, *named;
    } rows[] = {{"\"format_version\":1", "\"format_version\":4294967296", "model.format_version"},
                {"\"format_version\":1", "\"format_version\":-1", "model.format_version"},
                {"\"vocab\":256", "\"vocab\":\"256\"", "model.shape.vocab"},
                {"\"parameters\":16000000", "\"parameters\":null", "model.parameters"},
                {"\"0123456789abcdef\"", "\"0123456789ABCDEF\"", "model.internal_checksum"},
                {"\"format\":\"slm1\"", "\"format\":\"\"", "model.format"},
                {"\"format\":\"slm1\"", "\"format\":\"slm1slm1slm1slm1\"", "model.format"},
                {"\"name\":\"tiny\"", "\"name\":\"Tiny\"", "name"},
                {"\"version\":\"1.0\"", "\"version\":\"stable\"", "version"},
                {"\"version\":\"1.0\"", "\"version\":\"-1\"", "version"},
                {"\"path\":\"model.slm\"", "\"path\":\"../model.slm\"", "files.path"},
                {"\"bytes\":12345", "\"bytes\":-1", "files.bytes"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e;
        cr_expect_eq(swapped(true, rows[i].what, rows[i].with, &e), ST_FORMAT, "row %zu", i);
        cr_expect_not_null(strstr(e.detail, rows[i].named), "row %zu: %s", i, e.detail);
    }
}

Test(manifest, refuses_what_is_no_object_no_list_and_no_number_by_name)
{
    static const struct {
        const char *what, *with, *words;
    } rows[] = {{"\"schema\":\"assay.manifest/1\"", "\"schema\":1", "schema is not"},
                {"\"source\":{\"kind\":\"file\",\"revision\":\"\",\"uri\":\"\"}", "\"source\":1",
                 "source is missing or no object"},
                {"\"path\":\"model.slm\"", "\"path\":1", "files.path must be text"},
                {"\"path\":\"model.slm\",\"sha256\":\"", "\"path\":\"model.slm\",\"sha256\":\"0",
                 "files.sha256 must be 64 hex digits"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e;
        cr_expect_eq(swapped(true, rows[i].what, rows[i].with, &e), ST_FORMAT, "row %zu", i);
        cr_expect_not_null(strstr(e.detail, rows[i].words), "row %zu: %s", i, e.detail);
    }
}

Test(manifest, is_written_with_no_number_that_json_cannot_hold)
{
    for (int files = 0; files < 2; files++) {
        struct err e = ERR_NONE;
        SCOPED(manifest_release) struct manifest m = sample(true);
        SCOPED(buf_release) struct buf none = BUF_EMPTY;
        *(files ? &m.files[0].bytes : &m.model.parameters) = UINT64_C(1) << 53;
        cr_expect_eq(manifest_encode(&m, &none, &e), ST_FORMAT);
        cr_expect_str_eq(e.detail, files ? "manifest: files.bytes is too large"
                                         : "manifest: model.parameters is too large");
    }
}

Test(manifest, names_1_to_4096_files)
{
    struct err e = ERR_NONE;
    SCOPED(manifest_release) struct manifest m = sample(false);
    SCOPED(buf_release) struct buf text = encode(&m), none = BUF_EMPTY, changed = BUF_EMPTY;
    const uint8_t *end = memmem(text.p, text.n, "],", 2);
    cr_assert_not_null(end);
    buf_text(&changed, "{\"files\":[");
    buf_append(&changed, SPAN(end, (size_t)(text.p + text.n - end)));
    cr_expect_eq(decode(buf_span(&changed), &e), ST_FORMAT);
    cr_expect_not_null(strstr(e.detail, "array of 1 to 4096"), "%s", e.detail);
    changed.n = 0;
    buf_text(&changed, "{\"files\":1");
    buf_append(&changed, SPAN(end + 1, (size_t)(text.p + text.n - end - 1)));
    cr_expect_eq(decode(buf_span(&changed), &e), ST_FORMAT);
    cr_expect_not_null(strstr(e.detail, "array of 1 to 4096"), "%s", e.detail);
    m.file_count = 0;
    cr_expect_eq(manifest_encode(&m, &none, &e), ST_FORMAT);
    m.file_count = 2;
    for (unsigned i = 2; i <= MANIFEST_FILES; i++) {
        char path[16];
        text_fmt(path, sizeof path, "c%04u", i);
        add_file(&m, path, 1);
    }
    e = ERR_NONE;
    cr_expect_eq(manifest_encode(&m, &none, &e), ST_FORMAT);
    cr_expect_not_null(strstr(e.detail, "1 to 4096"), "%s", e.detail);
}

Test(manifest, takes_no_path_that_leaves_its_folder)
{
    static const char *const bad[] = {"/a",  "a/",  "a//b", ".",    "..", "a/../b",
                                      "./a", "a/.", "a\\b", "a\nb", "",   "\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_NONE;
        struct manifest m = {.name = "a", .version = "1"};
        SCOPED(buf_release) struct buf b = BUF_EMPTY;
        add_file(&m, bad[i], 1);
        cr_expect_eq(manifest_encode(&m, &b, &e), ST_FORMAT, "%s", bad[i]);
        manifest_release(&m);
    }
}

Test(manifest, takes_no_path_twice_and_only_in_order)
{
    for (int twice = 0; twice < 2; twice++) {
        struct err e = ERR_NONE;
        SCOPED(manifest_release) struct manifest m = {.name = "a", .version = "1"};
        SCOPED(buf_release) struct buf b = BUF_EMPTY;
        add_file(&m, "b", 1);
        add_file(&m, twice ? "b" : "a", 1);
        cr_expect_eq(manifest_encode(&m, &b, &e), ST_FORMAT);
    }
}

Test(manifest, no_flipped_bit_decodes_to_the_same)
{
    SCOPED(manifest_release) struct manifest m = sample(true);
    SCOPED(buf_release) struct buf text = encode(&m);
    for (size_t bit = 0; bit < 8 * text.n; bit++) {
        struct err e = ERR_NONE;
        SCOPED(manifest_release) struct manifest back = {0};
        text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (manifest_decode(buf_span(&text), &back, &e) == ST_OK)
            cr_expect_not_null(manifest_difference(&m, &back), "bit %zu", bit);
        text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

Test(manifest, difference_names_the_first_member)
{
    SCOPED(manifest_release) struct manifest a = sample(true), b = sample(true);
    cr_expect_null(manifest_difference(&a, &b));
    b.model.kv_heads = 4;
    cr_expect_str_eq(manifest_difference(&a, &b), "model.shape.kv_heads");
    snprintf(b.model.quantization, sizeof b.model.quantization, "f32");
    cr_expect_str_eq(manifest_difference(&a, &b), "model.quantization");
    b = (manifest_release(&b), sample(true));
    b.files[0].sha256.b[31] ^= 1;
    cr_expect_str_eq(manifest_difference(&a, &b), "files.sha256");
}

Test(manifest, content_is_the_files_digest_or_that_of_the_sha256sum_listing)
{
    SCOPED(manifest_release) struct manifest one = sample(true), two = sample(false);
    struct err e = ERR_NONE;
    struct digest d;
    cr_assert_eq(manifest_content(&one, &d, &e), ST_OK);
    cr_expect(digest_equal(&d, &one.files[0].sha256));
    char x[DIGEST_TEXT], y[DIGEST_TEXT], listing[400];
    digest_text(&two.files[0].sha256, x);
    digest_text(&two.files[1].sha256, y);
    snprintf(listing, sizeof listing, "%s  a/notes.txt\n%s  b\n", x, y);
    struct digest want = digest_of(span_text(listing));
    cr_assert_eq(manifest_content(&two, &d, &e), ST_OK);
    cr_expect(digest_equal(&d, &want));
}

Test(manifest, names_are_short_lower_case_words)
{
    char longest[MANIFEST_NAME_MAX + 1];
    memset(longest, 'a', sizeof longest);
    longest[128] = '\0';
    cr_expect(manifest_name_valid(longest));
    longest[128] = 'a';
    longest[129] = '\0';
    cr_expect_not(manifest_name_valid(longest));
    cr_expect(manifest_name_valid("a.b_c-9"));
    static const char *const bad[] = {"", "-a", ".a", "_a", "A", "a b", "a/b", "a@b", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(manifest_name_valid(bad[i]), "%s", bad[i]);
}
