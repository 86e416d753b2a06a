/* The cache: the same values as without, found again, never stale, and made again where damaged. */
#define _GNU_SOURCE
#include "archive.h"
#include "picture_files.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "data/store.h"

enum { TRAIN = 120, SIDE = 28, PIXELS = SIDE * SIDE, SMALL = 20 };

/* ---- Helpers ---- */

typedef struct { int count; char last[1024]; } Said;

static void hear(void *context, const char *text) {
    Said *said = context;
    said->count++;
    snprintf(said->last, sizeof said->last, "%s", text);
}

static MmlCache cache_in(const char *folder, Said *said) { return (MmlCache){ folder, 0, hear, said }; }

/* Images of the file as they are (gzip, 94 KB), and resized; a holdout by the seed. */
static Program *images(int start) {
    Program *p = program_new();
    static u8 bytes[16 + TRAIN * PIXELS];
    write_idx_set(p, TRAIN, 10, SIDE, SIDE, 5);
    char path[512];
    size_t count = idx_images(bytes, TRAIN, SIDE, SIDE, start);
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", program_folder(p));
    cr_assert_eq(remove(path), 0);
    write_gzip(p, "train-images-idx3-ubyte.gz", bytes, count, 0);
    add_idx(p, "digits");
    set_target(p, 5, "label");
    set_real(p, "data.digits.holdout", 0.25);
    add_modality(p, "a", "image[1, 28, 28]", "image", 3, 1, SIDE, SIDE);
    add_modality(p, "b", "image[1, 20, 20]", "image", 3, 1, SMALL, SMALL);
    add_step(p, "resize", 3, 1, SMALL, SMALL);
    step_int(p, "height", SMALL);
    step_int(p, "width", SMALL);
    add_step(p, "flip", 3, 1, SMALL, SMALL);
    step_real(p, "p", 0.5);
    return p;
}

typedef struct { float a[90 * PIXELS], b[90 * SMALL * SMALL]; i64 labels[90], samples[90]; } Values;

static void values_of(MmlData *data, Values *out) {
    i64 rows[90];
    for (int i = 0; i < 90; i++) rows[i] = 89 - i;
    cr_assert_eq(mml_data_count(data, MML_TRAIN), 90);
    cr_assert_eq(mml_data_batch(data, MML_TRAIN, rows, 90, 3, 1, (float *[]){ out->a, out->b }, out->labels, out->samples), MML_OK, "%s",
                 mml_message());
}

/* With seed, through a cache in the program's folder or without; the checksum is the data's too. */
static void read_all(Program *p, u64 seed, int cached, Said *said, Values *out, char checksum[32]) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
    mkdir(folder, 0777);
    MmlCache cache = cache_in(folder, said);
    MmlThreads *threads;
    MmlData *data;
    memset(said, 0, sizeof *said);
    memset(out, 0, sizeof *out);
    cr_assert_eq(mml_threads_new(2, &threads), MML_OK);
    cr_assert_eq(mml_data_open_cached(program_settings(p), seed, threads, cached ? &cache : NULL, &data), MML_OK, "%s", mml_message());
    values_of(data, out);
    snprintf(checksum, 32, "%s", mml_data_checksum(data));
    mml_data_close(data);
    mml_threads_free(threads);
}

static void expect_same(const Values *a, const Values *b) { cr_assert_eq(memcmp(a, b, sizeof *a), 0); }

/* Calls visit with each path in the cache folder whose name ends so; how many. */
static int each_file(Program *p, const char *ending, void (*visit)(const char *path)) {
    char folder[512], path[1024];
    int count = 0;
    snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
    DIR *stream = opendir(folder);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        size_t length = strlen(entry->d_name), end = strlen(ending);
        if (length < end || strcmp(entry->d_name + length - end, ending) != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (visit) visit(path);
        count++;
    }
    if (stream) closedir(stream);
    return count;
}

static void change_byte(const char *path) {
    u8 byte;
    int file = open(path, O_RDWR);
    cr_assert_eq(pread(file, &byte, 1, 50000), 1);
    byte ^= 1;
    cr_assert_eq(pwrite(file, &byte, 1, 50000), 1);
    close(file);
}

static void change_header(const char *path) {
    int file = open(path, O_RDWR);
    cr_assert_eq(pwrite(file, "0", 1, 20), 1);
    close(file);
}

static void cut_short(const char *path) { cr_assert_eq(truncate(path, 60000), 0); }
static void empty(const char *path) { cr_assert_eq(truncate(path, 0), 0); }

/* ---- What is read through it ---- */

Test(cache, gives_what_reading_gives_and_finds_it_again) {
    static Values plain, made, found;
    char checksum[3][32];
    Said said;
    Program *p = images(0);
    read_all(p, 1, 0, &said, &plain, checksum[0]);
    read_all(p, 1, 1, &said, &made, checksum[1]);
    cr_assert_eq(each_file(p, ".mmlcache", NULL), 2, "the images, and what resize made of them");
    cr_assert_eq(each_file(p, ".new", NULL), 0);
    read_all(p, 1, 1, &said, &found, checksum[2]);
    cr_assert_eq(said.count, 0, "%s", said.last);
    expect_same(&plain, &made);
    expect_same(&plain, &found);
    cr_assert_str_eq(checksum[0], checksum[1]);
    cr_assert_str_eq(checksum[0], checksum[2]);
    program_free(p);
}

Test(cache, is_shared_by_seeds_whose_holdouts_differ) {
    static Values plain, cached;
    char checksum[32];
    Said said;
    Program *p = images(0);
    read_all(p, 1, 1, &said, &cached, checksum);
    read_all(p, 2, 0, &said, &plain, checksum);
    read_all(p, 2, 1, &said, &cached, checksum);
    expect_same(&plain, &cached);
    cr_assert_eq(each_file(p, ".mmlcache", NULL), 2);
    program_free(p);
}

Test(cache, is_not_found_for_a_file_that_changed) {
    static Values plain, cached;
    char checksum[32];
    static u8 bytes[16 + TRAIN * PIXELS];
    Said said;
    Program *p = images(0);
    read_all(p, 1, 1, &said, &cached, checksum);
    write_gzip(p, "train-images-idx3-ubyte.gz", bytes, idx_images(bytes, TRAIN, SIDE, SIDE, 7), 0);
    read_all(p, 1, 1, &said, &cached, checksum);
    read_all(p, 1, 0, &said, &plain, checksum);
    expect_same(&plain, &cached);
    cr_assert_eq(each_file(p, ".mmlcache", NULL), 4);
    program_free(p);
}

Test(cache, is_made_again_where_a_file_is_damaged_and_says_so_once) {
    static Values plain, cached;
    static void (*const damages[])(const char *) = { change_byte, change_header, cut_short, empty };
    char checksum[32];
    Said said;
    Program *p = images(0);
    read_all(p, 1, 0, &said, &plain, checksum);
    read_all(p, 1, 1, &said, &cached, checksum);
    for (int i = 0; i < 4; i++) {
        each_file(p, ".mmlcache", damages[i]);
        read_all(p, 1, 1, &said, &cached, checksum);
        cr_assert_eq(said.count, 2, "one line for each of the two files, not %d: %s", said.count, said.last);
        expect_in(said.last, "is damaged (");
        expect_in(said.last, "it is made again");
        expect_same(&plain, &cached);
        read_all(p, 1, 1, &said, &cached, checksum);
        cr_assert_eq(said.count, 0);
        expect_same(&plain, &cached);
    }
    program_free(p);
}

Test(cache, tells_of_a_file_that_is_cut_short_while_it_is_used) {
    static Values values;
    Said said = { 0 };
    Program *p = images(0);
    char folder[512];
    snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
    mkdir(folder, 0777);
    MmlCache cache = cache_in(folder, &said);
    MmlData *data;
    i64 rows[90];
    for (int i = 0; i < 90; i++) rows[i] = i;
    cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, &cache, &data), MML_OK);
    each_file(p, ".mmlcache", empty);
    cr_assert_eq(mml_data_batch(data, MML_TRAIN, rows, 90, 1, 1, (float *[]){ values.a, values.b }, values.labels, values.samples), MML_EIO);
    expect_in(mml_message(), "was changed or can't be read while it was in use");
    mml_data_close(data);
    program_free(p);
}

Test(cache, keeps_arrays_of_an_archive_in_either_order) {
    enum { ROWS = 90, WIDTH = 1000 };
    static float x[ROWS * WIDTH], plain[WIDTH], cached[WIDTH];
    int64_t y[ROWS];
    for (int i = 0; i < ROWS * WIDTH; i++) x[i] = (float)i;
    for (int i = 0; i < ROWS; i++) y[i] = i % 3;
    for (int fortran = 0; fortran < 2; fortran++) {
        Program *p = program_new();
        char dict[100], folder[512];
        Zip zip = { 0 };
        Bytes b = { 0 }, labels = { 0 };
        snprintf(dict, sizeof dict, "{'descr': '<f4', 'fortran_order': %s, 'shape': (%d, %d), }", fortran ? "True" : "False", ROWS, WIDTH);
        put_npy(&b, 1, dict, x, sizeof x);
        put_npy(&labels, 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (90,), }", y, sizeof y);
        zip_add(&zip, "x.npy", b.bytes, b.count, ZIP_DEFLATE);
        zip_add(&zip, "y.npy", labels.bytes, labels.count, 0);
        zip_write(&zip, p, "a.npz", 0);
        free(b.bytes);
        free(labels.bytes);
        add_npz(p, "arrays", "a.npz", "x", "y", NULL);
        add_modality(p, "x", "vector[1000]", "x", 1, WIDTH);
        set_target(p, 3, "y");
        train_sample(p, open_data(p), 41, plain);
        cr_assert_eq(plain[5], (float)(fortran ? 5 * ROWS + 41 : 41 * WIDTH + 5));
        snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
        mkdir(folder, 0777);
        for (int again = 0; again < 2; again++) {
            Said said = { 0 };
            MmlCache cache = cache_in(folder, &said);
            MmlData *data;
            cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, &cache, &data), MML_OK, "%s", mml_message());
            train_sample(p, data, 41, cached);
            cr_assert_eq(memcmp(plain, cached, sizeof plain), 0);
            mml_data_close(data);
            cr_assert_eq(each_file(p, ".mmlcache", NULL), 1, "the labels are too few for a file");
        }
        program_free(p);
    }
}

/* Pictures of two folders, one of them damaged; a last one is exchanged for another of the same size. */
Test(cache, keeps_decoded_pictures_and_what_was_skipped) {
    Program *p = program_new();
    char folder[512];
    float plain[18], cached[18];
    make_folder(p, "a");
    make_folder(p, "b");
    write_png(p, "a/0.png", 2, 3, 1);
    write_text(p, "a/1.png", "\x89PNG\r\n\x1a\n and no more");
    write_png(p, "a/2.png", 2, 3, 2);
    write_png(p, "b/0.png", 2, 3, 3);
    add_source(p, "pets", "folder", program_folder(p));
    set_real(p, "data.pets.skip", 0.5);
    add_modality(p, "photo", "image[3, 2, 3]", "image", 3, 3, 2, 3);
    set_target(p, 2, "label");
    snprintf(folder, sizeof folder, "%s/../%s-cache", program_folder(p), strrchr(program_folder(p), '/') + 1);
    cr_assert_eq(mkdir(folder, 0777), 0);
    for (int round = 0; round < 3; round++) {
        Said said = { 0 };
        MmlCache cache = cache_in(folder, &said);
        MmlData *data, *without = open_data(p);
        cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, &cache, &data), MML_OK, "%s", mml_message());
        cr_assert_eq(mml_data_count(data, MML_TRAIN), 3);
        cr_assert_str_eq(mml_data_checksum(data), mml_data_checksum(without));
        cr_assert_str_eq(mml_data_skip(data, 0), mml_data_skip(without, 0));
        expect_in(mml_data_cache_describe(data), round == 1 ? ", 1 found" : ", 1 made");
        for (i64 row = 0; row < 3; row++) {
            train_sample(p, without, row, plain);
            train_sample(p, data, row, cached);
            cr_assert_eq(memcmp(plain, cached, sizeof plain), 0);
        }
        mml_data_close(data);
        cr_assert_eq(said.count, 0);
        if (round == 1) write_png(p, "b/0.png", 2, 3, 9);
    }
    snprintf(folder, sizeof folder, "rm -r '%s/../%s-cache'", program_folder(p), strrchr(program_folder(p), '/') + 1);
    cr_assert_eq(system(folder), 0);
    program_free(p);
}

/* ---- Blocks ---- */

enum { BLOCK = 100000 };

static DataCache *open_cache(const char *folder, i64 limit, Said *said, MmlArena *arena) {
    MmlCache options = { folder, limit, hear, said };
    DataCache *cache;
    cr_assert_eq(mml_cache_open(&options, NULL, arena, &cache), MML_OK, "%s", mml_message());
    return cache;
}

static void make_block(DataCache *cache, const char *name, int value, DataStore *out) {
    DataKey key = mml_key("test", name);
    cr_assert_eq(mml_store_open(cache, name, key, BLOCK, out), MML_OK, "%s", mml_message());
    cr_assert_eq(out->ready, 0);
    memset(out->bytes, value, BLOCK);
    mml_store_seal(out);
}

static int is_block(const DataStore *store, int value) {
    for (i64 i = 0; i < BLOCK; i++)
        if (store->bytes[i] != value) return 0;
    return 1;
}

/* A child is killed with half a block written; the next run makes it, and nothing unfinished stays. */
Test(cache, survives_a_kill_while_a_block_is_written) {
    Program *p = program_new();
    MmlArena *arena = mml_arena_new();
    Said said = { 0 };
    DataStore store;
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        DataCache *cache = open_cache(program_folder(p), 0, &said, arena);
        if (mml_store_open(cache, "block", mml_key("test", "block"), BLOCK, &store) != MML_OK) _exit(1);
        memset(store.bytes, 3, BLOCK / 2);
        if (write(pipes[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    char byte;
    cr_assert_eq(read(pipes[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    char path[1024];
    snprintf(path, sizeof path, "ls %s | grep -c new >/dev/null", program_folder(p));
    cr_assert_eq(system(path), 0, "the killed child left its file");
    DataCache *cache = open_cache(program_folder(p), 0, &said, arena);
    cr_assert_neq(system(path), 0, "opening removes it");
    make_block(cache, "block", 5, &store);
    cr_assert(is_block(&store, 5));
    cr_assert_eq(said.count, 0);
    mml_store_close(&store);
    mml_arena_free(arena);
    program_free(p);
}

/* Two runs at once: the second waits for the first and finds what it made. */
Test(cache, lets_the_second_of_two_runs_wait_for_the_first) {
    Program *p = program_new();
    MmlArena *arena = mml_arena_new();
    Said said = { 0 };
    DataStore store;
    int pipes[2], status;
    cr_assert_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        DataCache *cache = open_cache(program_folder(p), 0, &said, arena);
        if (mml_store_open(cache, "block", mml_key("test", "block"), BLOCK, &store) != MML_OK) _exit(1);
        if (write(pipes[1], "x", 1) != 1) _exit(1);
        usleep(200000);
        memset(store.bytes, 9, BLOCK);
        mml_store_seal(&store);
        _exit(0);
    }
    char byte;
    cr_assert_eq(read(pipes[0], &byte, 1), 1);
    DataCache *cache = open_cache(program_folder(p), 0, &said, arena);
    cr_assert_eq(mml_store_open(cache, "block", mml_key("test", "block"), BLOCK, &store), MML_OK);
    cr_assert_eq(store.ready, 1);
    cr_assert(is_block(&store, 9));
    cr_assert_eq(said.count, 1);
    expect_in(said.last, "waits for another run");
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
    mml_store_close(&store);
    mml_arena_free(arena);
    program_free(p);
}

Test(cache, removes_what_was_used_longest_ago_above_its_limit) {
    Program *p = program_new();
    MmlArena *arena = mml_arena_new();
    Said said = { 0 };
    DataStore store;
    static const char *const names[] = { "one", "two", "three" };
    for (int i = 0; i < 3; i++) {
        DataCache *cache = open_cache(program_folder(p), 250000, &said, arena);      /* each run its own */
        make_block(cache, names[i], i, &store);
        mml_store_close(&store);
        usleep(20000);
    }
    DataCache *cache = open_cache(program_folder(p), 0, &said, arena);
    for (int i = 2; i >= 0; i--) {
        cr_assert_eq(mml_store_open(cache, names[i], mml_key("test", names[i]), BLOCK, &store), MML_OK);
        cr_assert_eq(store.ready, i > 0, "%s", names[i]);
        mml_store_close(&store);
    }
    cr_assert_eq(said.count, 0);
    cache = open_cache(program_folder(p), 50000, &said, arena);
    make_block(cache, "four", 4, &store);
    cr_assert(is_block(&store, 4));
    expect_in(said.last, "more than --cache-limit leaves: this part of the data is held in memory");
    mml_store_close(&store);
    mml_arena_free(arena);
    program_free(p);
}

/* A file size limit stands for a full disk: both refuse the room beforehand. */
Test(cache, goes_on_in_memory_where_the_disk_has_no_room) {
    Program *p = program_new();
    MmlArena *arena = mml_arena_new();
    Said said = { 0 };
    DataStore store;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 50000, 50000 }), 0);
    make_block(open_cache(program_folder(p), 0, &said, arena), "block", 6, &store);
    cr_assert(is_block(&store, 6));
    cr_assert_eq(said.count, 1);
    expect_in(said.last, "no room for the 0.1 MiB of");
    mml_store_close(&store);
    mml_arena_free(arena);
    program_free(p);
}

Test(cache, says_once_that_its_folder_cannot_be_written) {
    Program *p = program_new();
    MmlArena *arena = mml_arena_new();
    Said said = { 0 };
    DataStore store;
    char folder[512];
    snprintf(folder, sizeof folder, "%s/gone", program_folder(p));
    cr_assert_eq(mkdir(folder, 0777), 0);
    DataCache *cache = open_cache(folder, 0, &said, arena);
    cr_assert_eq(rmdir(folder), 0);
    for (int i = 0; i < 2; i++) {
        make_block(cache, i ? "two" : "one", i, &store);
        cr_assert(is_block(&store, i));
        mml_store_close(&store);
    }
    cr_assert_eq(said.count, 1);
    expect_in(said.last, "/gone' (No such file or directory): what isn't there yet is held in memory");
    mml_arena_free(arena);
    program_free(p);
}

/* Pictures whose number and sizes aren't known before they are decoded: no room on the disk, none below the limit. */
Test(cache, holds_pictures_in_memory_and_says_why_where_they_have_no_room) {
    Program *p = program_new();
    char folder[512], path[32];
    float plain[3 * 30 * 30], kept[3 * 30 * 30];
    for (int i = 0; i < 6; i++) {
        if (i % 3 == 0) make_folder(p, i ? "b" : "a");
        snprintf(path, sizeof path, "%s/%d.png", i < 3 ? "a" : "b", i);
        write_png(p, path, 30, 30, (u32)i);
    }
    add_source(p, "pets", "folder", program_folder(p));
    add_modality(p, "photo", "image[3, 30, 30]", "image", 3, 3, 30, 30);
    set_target(p, 2, "label");
    snprintf(folder, sizeof folder, "%s/../%s-cache", program_folder(p), strrchr(program_folder(p), '/') + 1);
    cr_assert_eq(mkdir(folder, 0777), 0);
    MmlData *data, *without = open_data(p);
    signal(SIGXFSZ, SIG_IGN);
    for (int disk = 0; disk < 2; disk++) {
        Said said = { 0 };
        MmlCache cache = cache_in(folder, &said);
        if (disk) cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 10000, 10000 }), 0);
        else cache.limit = 10000;
        cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, &cache, &data), MML_OK, "%s", mml_message());
        cr_assert_eq(said.count, 1);
        expect_in(said.last, disk ? "the cache can't write '" : "needs more than --cache-limit leaves: this part of the data is held in memory");
        expect_in(said.last, disk ? "(File too large): this part of the data is held in memory" : "pets-image");
        for (i64 row = 0; row < 6; row++) {
            train_sample(p, without, row, plain);
            train_sample(p, data, row, kept);
            cr_assert_eq(memcmp(plain, kept, sizeof plain), 0);
        }
        mml_data_close(data);
    }
    cr_assert_eq(rmdir(folder), 0, "files are left");
    program_free(p);
}

Test(cache, ends_opening_when_a_stop_is_asked_for_and_leaves_no_file) {
    Said said = { 0 };
    Program *p = images(0);
    char folder[512];
    MmlData *data;
    snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
    mkdir(folder, 0777);
    MmlCache cache = cache_in(folder, &said);
    for (int cached = 0; cached < 2; cached++) {
        mml_stop_ask();
        cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, cached ? &cache : NULL, &data), MML_EINTERRUPT);
        expect_in(mml_message(), "stopped while the data were being read");
        mml_stop_forget();
        cr_assert_eq(said.count, 0, "%s", said.last);
        cr_assert_eq(each_file(p, "", NULL), 2);             /* . and .. */
        cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, cached ? &cache : NULL, &data), MML_OK, "%s", mml_message());
        mml_data_close(data);
    }
    program_free(p);
}
