#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cache.h"

/* ---- SHA-256: the examples of FIPS 180-2, appendix B, and a million a ---- */

static void expect_digest(const char *text, size_t repeats, const char *want) {
    Sha256 hash;
    char got[65];
    sha256_start(&hash);
    for (size_t i = 0; i < repeats; i++) sha256_add(&hash, text, strlen(text));
    Digest digest = sha256_end(&hash);
    digest_text(&digest, got);
    cr_assert_str_eq(got, want);
}

Test(sha256, gives_the_published_digests) {
    expect_digest("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_digest("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect_digest("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    expect_digest("aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* ---- The cache ---- */

static Arena *arena;
static char   folder[64];

static void begin(void) {
    arena = arena_new();
    strcpy(folder, "/tmp/mml-cache-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void end(void) {
    cr_assert_eq(system(arena_printf(arena, "rm -r %s", folder)), 0);
    arena_free(arena);
}

TestSuite(cache, .init = begin, .fini = end);

static Digest key_of(int number) {
    Digest key = {{(unsigned char)number, 7}};
    return key;
}

static const char *path_of(int number) {
    char name[65];
    Digest key = key_of(number);
    digest_text(&key, name);
    return arena_printf(arena, "%s/%s.thing", folder, name);
}

static CacheResult read_entry(int number, const char **bytes, size_t *size) {
    return cache_read(arena, folder, "thing", key_of(number), bytes, size);
}

Test(cache, gives_back_what_was_written) {
    const char *bytes;
    size_t size;
    cr_assert_eq(read_entry(1, &bytes, &size), CACHE_NOTHING);
    cache_write(arena, folder, "thing", key_of(1), "some\0bytes", 10);
    cr_assert_eq(read_entry(1, &bytes, &size), CACHE_FOUND);
    cr_assert_eq(size, 10);
    cr_assert_arr_eq(bytes, "some\0bytes", 10);
    cr_assert_eq(read_entry(2, &bytes, &size), CACHE_NOTHING);
    cr_assert_eq(cache_read(arena, folder, "other", key_of(1), &bytes, &size), CACHE_NOTHING);
}

Test(cache, notices_every_changed_byte_and_every_length) {
    const char *bytes;
    size_t size;
    for (int at = 0; at < 50; at++) {
        cache_write(arena, folder, "thing", key_of(1), "some bytes", 10);
        FILE *file = fopen(path_of(1), "r+");
        fseek(file, at, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 4, file);
        fclose(file);
        cr_assert_eq(read_entry(1, &bytes, &size), CACHE_DAMAGED, "byte %d", at);
        cr_assert_eq(read_entry(1, &bytes, &size), CACHE_NOTHING, "a damaged entry stays");
        cache_write(arena, folder, "thing", key_of(1), "some bytes", 10);
        cr_assert_eq(truncate(path_of(1), at), 0);
        cr_assert_eq(read_entry(1, &bytes, &size), CACHE_DAMAGED, "%d bytes", at);
    }
}

Test(cache, refuses_an_entry_under_the_name_of_another) {
    const char *bytes;
    size_t size;
    cache_write(arena, folder, "thing", key_of(1), "some bytes", 10);
    cr_assert_eq(rename(path_of(1), path_of(2)), 0);
    cr_assert_eq(read_entry(2, &bytes, &size), CACHE_DAMAGED);
}

/* Sparse files stand for large entries; the first is used again. */
Test(cache, lets_go_what_was_used_longest_ago) {
    const char *bytes;
    size_t size;
    for (int i = 1; i <= 4; i++) cache_write(arena, folder, "thing", key_of(i), "x", 1);
    for (int i = 1; i <= 4; i++) {
        struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        if (i > 2) cr_assert_eq(truncate(path_of(i), CACHE_BYTES / 2), 0);
        cr_assert_eq(utimensat(AT_FDCWD, path_of(i), times, 0), 0);
    }
    cr_assert_eq(read_entry(1, &bytes, &size), CACHE_FOUND);
    cache_write(arena, folder, "thing", key_of(5), "x", 1);
    cr_assert_eq(access(path_of(1), F_OK), 0);
    cr_assert_neq(access(path_of(2), F_OK), 0);
    cr_assert_neq(access(path_of(3), F_OK), 0);
    cr_assert_eq(access(path_of(4), F_OK), 0);
    cr_assert_eq(access(path_of(5), F_OK), 0);
}

Test(cache, lies_where_the_call_or_the_environment_says) {
    const char *reason;
    setenv("MML_CACHE", arena_printf(arena, "%s/named/deep", folder), 1);
    cr_assert_str_eq(cache_folder(arena, NULL, &reason), arena_printf(arena, "%s/named/deep", folder));
    cr_assert_str_eq(cache_folder(arena, arena_printf(arena, "%s/chosen", folder), &reason), arena_printf(arena, "%s/chosen", folder));
    cr_assert_null(cache_folder(arena, "off", &reason));
    cr_assert_null(reason);
    unsetenv("MML_CACHE");
    setenv("XDG_CACHE_HOME", folder, 1);
    cr_assert_str_eq(cache_folder(arena, NULL, &reason), arena_printf(arena, "%s/mml", folder));
    setenv("XDG_CACHE_HOME", "relative", 1);            /* to be ignored, says the XDG Base Directory Specification */
    setenv("HOME", folder, 1);
    cr_assert_str_eq(cache_folder(arena, NULL, &reason), arena_printf(arena, "%s/.cache/mml", folder));
    unsetenv("HOME");
    cr_assert_null(cache_folder(arena, NULL, &reason));
    cr_assert_null(reason);
}

Test(cache, is_not_used_where_others_may_write_and_says_so_if_named) {
    const char *reason;
    cr_assert_eq(chmod(folder, 0777), 0);
    cr_assert_null(cache_folder(arena, folder, &reason));
    cr_assert(reason && strstr(reason, "others may write"));
    setenv("XDG_CACHE_HOME", "/proc/nothing", 1);
    unsetenv("MML_CACHE");
    cr_assert_null(cache_folder(arena, NULL, &reason));
    cr_assert_null(reason);
}
