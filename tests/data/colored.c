/* The source colored_mnist: the pickle's machine, the pairing with MNIST, and what is refused. */
#include "archive.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRAIN = 6, TEST = 4, MANY = 3000, SIDE = 3 };      /* many: more bytes than DATA_STORE_LEAST */

/* ---- Pickles, opcode by opcode ---- */

/* How the pickle is written: as Python 2 did, or with protocol 4's opcodes; fortran: of images. */
typedef struct { int protocol; const char *module; const char *function; int fortran; } Style;

static const Style python2 = { 2, "numpy.core.multiarray", "_reconstruct", 0 };
static const Style today = { 4, "numpy._core.multiarray", "_reconstruct", 0 };
static const Style fortran = { 4, "numpy._core.multiarray", "_reconstruct", 1 };

static void put_string(Bytes *b, const Style *style, const char *text) {
    put(b, style->protocol == 4 ? "\x8c" : "U", 1);
    put_little(b, strlen(text), 1);
    put_text(b, text);
}

static void put_name(Bytes *b, const Style *style, const char *module, const char *name) {
    if (style->protocol == 4) {
        put_string(b, style, module);
        put_string(b, style, name);
        put(b, "\x93", 1);
        return;
    }
    put_text(b, "c");
    put_text(b, module);
    put_text(b, "\n");
    put_text(b, name);
    put_text(b, "\n");
}

/* _reconstruct(ndarray, (0,), b'b') and the beginning of its state: MARK 1 shape dtype(code) with its state, False. */
static void begin_array(Bytes *b, const Style *style, const char *code, int rank, const int *shape) {
    put_name(b, style, style->module, style->function);
    put_name(b, style, "numpy", "ndarray");
    put(b, "K\0\x85", 3);
    put(b, style->protocol == 4 ? "C\1b" : "U\1b", 3);
    put(b, "\x87R(K\1(", 6);
    for (int i = 0; i < rank; i++) {
        put(b, "M", 1);
        put_little(b, (u64)shape[i], 2);
    }
    put(b, "t", 1);
    put_name(b, style, "numpy", "dtype");
    put_string(b, style, code);
    put(b, "\x89\x88\x87R(K\3", 7);
    put_string(b, style, code[0] == '>' ? ">" : "<");
    put(b, "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb", 17);
    put(b, style->fortran && rank == 4 ? "\x88" : "\x89", 1);
}

static void put_array(Bytes *b, const Style *style, const char *code, int rank, const int *shape, const void *values, size_t count) {
    begin_array(b, style, code, rank, shape);
    put(b, style->protocol == 4 ? "B" : "T", 1);
    put_little(b, count, 4);
    put(b, values, count);
    put(b, "tb", 2);
}

/* Pixel (y, x, c) of image i is i + 10 y + 3 x + c; labels as idx_labels writes them. */
static void put_images(Bytes *b, const Style *style, const char *key, int count) {
    static u8 values[MANY * SIDE * SIDE * 3];
    int at = 0, shape[] = { count, SIDE, SIDE, 3 };
    for (int i = 0; i < count; i++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                for (int c = 0; c < 3; c++, at++)
                    values[style->fortran ? i + count * (y + SIDE * (x + SIDE * c)) : at] = (u8)(i + 10 * y + 3 * x + c);
    put_string(b, style, key);
    put_array(b, style, "u1", 4, shape, values, (size_t)at);
}

static void put_labels(Bytes *b, const Style *style, const char *key, int count, int wrong) {
    static int64_t values[MANY];
    for (int i = 0; i < count; i++) values[i] = i % 3 + (i == wrong);
    put_string(b, style, key);
    put_array(b, style, "i8", 1, &count, values, sizeof *values * (size_t)count);
}

static Bytes container(const Style *style, int train, int wrong) {
    Bytes b = { 0 }, file = { 0 };
    put(&b, "\x80", 1);
    put_little(&b, (u64)style->protocol, 1);
    begin_array(&b, style, "O8", 0, NULL);
    put(&b, "](}(", 4);
    put_images(&b, style, "train_image", train);
    put_labels(&b, style, "train_label", train, wrong);
    put_images(&b, style, "test_image", TEST);
    put_labels(&b, style, "test_label", TEST, -1);
    put(&b, "uetb.", 5);
    put_npy(&file, 1, "{'descr': '|O', 'fortran_order': False, 'shape': (), }", b.bytes, b.count);
    free(b.bytes);
    return file;
}

static Program *colored(const char *field) {
    Program *p = program_new();
    write_idx_set(p, TRAIN, TEST, SIDE, SIDE, 3);
    add_source(p, "digits", "colored_mnist", program_folder(p));
    set_text(p, "data.digits.file", "colored.npy");
    if (strcmp(field, "color") == 0) add_modality(p, "view", "image[3, 3, 3]", "color", 3, 3, SIDE, SIDE);
    else add_modality(p, "view", "image[1, 3, 3]", "gray", 3, 1, SIDE, SIDE);
    set_target(p, 3, "label");
    return p;
}

static void write_container(Program *p, Bytes file) {
    write_bytes(p, "colored.npy", file.bytes, file.count);
    free(file.bytes);
}

Test(colored, pairs_the_coloured_copy_with_mnist_row_by_row) {
    static const Style *const styles[] = { &python2, &today };
    for (int s = 0; s < 2; s++) {
        Program *p = colored("color");
        write_container(p, container(styles[s], TRAIN, -1));
        MmlData *data = open_data(p);
        cr_assert_str_eq(mml_data_describe(data), "6 train, 4 test");
        float color[27], gray[9];
        i64 label, number;
        sample_of(data, MML_TEST, 2, 1, 0, p, 0, color, &label, &number);
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < SIDE; y++)
                for (int x = 0; x < SIDE; x++) cr_assert_eq(color[(c * SIDE + y) * SIDE + x], (float)(2 + 10 * y + 3 * x + c));
        cr_assert_eq(label, 2);
        cr_assert_eq(number, TRAIN + 2);
        program_free(p);
        p = colored("gray");
        write_container(p, container(styles[s], TRAIN, -1));
        sample_of(open_data(p), MML_TRAIN, 1, 1, 0, p, 0, gray, &label, NULL);
        cr_assert_eq(gray[0], 9);                    /* write_idx_set: pixels count up */
        cr_assert_eq(label, 1);
        program_free(p);
    }
}

/* With gzip too, whose bytes are unpacked into the cache's folder. */
Test(colored, keeps_the_images_in_a_cache) {
    static const Style *const styles[] = { &today, &fortran };
    for (int k = 0; k < 4; k++) {
        Program *p = colored("color");
        char folder[512];
        float color[27], cached[27];
        write_idx_set(p, MANY, TEST, SIDE, SIDE, 3);
        Bytes file = container(styles[k / 2], MANY, -1);
        if (k % 2) write_gzip(p, "colored.npy", file.bytes, file.count, 0);
        else write_bytes(p, "colored.npy", file.bytes, file.count);
        free(file.bytes);
        snprintf(folder, sizeof folder, "%s/cache", program_folder(p));
        cr_assert_eq(mkdir(folder, 0777), 0);
        MmlData *data, *without = open_data(p);
        for (int again = 0; again < 2; again++) {
            MmlCache cache = { .folder = folder };
            cr_assert_eq(mml_data_open_cached(program_settings(p), 1, NULL, &cache, &data), MML_OK, "%s", mml_message());
            expect_in(mml_data_cache_describe(data), again ? ", 1 found (0.1 MiB)" : ", 1 made (0.1 MiB)");
            cr_assert_str_eq(mml_data_checksum(data), mml_data_checksum(without));
            for (i64 row = 0; row < MANY; row += 7) {
                train_sample(p, without, row, color);
                train_sample(p, data, row, cached);
                cr_assert_eq(memcmp(color, cached, sizeof color), 0);
                cr_assert_eq(cached[17], (float)((row + 10 * 2 + 3 * 2 + 1) % 256), "y 2, x 2, channel 1");
            }
            mml_data_close(data);
        }
        program_free(p);
    }
}

Test(colored, uses_as_many_rows_as_a_shorter_copy_has) {
    Program *p = colored("color");
    write_container(p, container(&python2, 3, -1));
    set_int(p, "data.digits.test_limit", 2);
    cr_assert_str_eq(mml_data_describe(open_data(p)), "3 train, 2 test");
    set_word(p, "data.digits.test", "every");
    set_int(p, "data.digits.test.every", 3);
    set_int(p, "data.digits.test.of", 0);
    cr_assert_str_eq(mml_data_describe(open_data(p)), "2 train, 1 test");
    program_free(p);
}

Test(colored, finds_mnist_in_the_folders_that_downloads_make) {
    Program *p = colored("gray");
    write_container(p, container(&python2, TRAIN, -1));
    const char *folder = program_folder(p);
    char command[1024];
    snprintf(command, sizeof command, "mkdir -p '%s/MNIST/raw' && mv '%s'/*ubyte '%s/MNIST/raw'", folder, folder, folder);
    cr_assert_eq(system(command), 0);
    cr_assert_eq(mml_data_count(open_data(p), MML_TRAIN), TRAIN);
    program_free(p);
}

Test(colored, refuses_labels_that_disagree_with_mnist) {
    Program *p = colored("color");
    write_container(p, container(&python2, TRAIN, 4));
    const char *message = open_fails(p);
    expect_in(message, "colored.npy[train_label]', sample 4: label 2 disagrees with label 1 of '");
    expect_in(message, "train-labels-idx1-ubyte");
    program_free(p);
}

Test(colored, refuses_more_rows_than_mnist_has) {
    Program *p = colored("color");
    write_idx_set(p, 5, TEST, SIDE, SIDE, 3);
    write_container(p, container(&python2, TRAIN, -1));
    expect_in(open_fails(p), "has 6 images and '");
    program_free(p);
}

Test(colored, names_the_missing_file_and_the_missing_folder) {
    Program *p = colored("color");
    expect_in(open_fails(p), "/colored.npy' (data.digits.file, test.mml:9)");
    set_text(p, "data.digits.root", "nowhere");
    expect_in(open_fails(p), "there is no folder 'nowhere'");
    program_free(p);
}

/* ---- What a pickle must not do ---- */

static void refuses_pickle(const void *pickle, size_t count, const char *part) {
    Program *p = colored("color");
    Bytes file = { 0 };
    put_npy(&file, 1, "{'descr': '|O', 'fortran_order': False, 'shape': (), }", pickle, count);
    write_container(p, file);
    const char *message = open_fails(p);
    expect_in(message, "colored.npy");
    expect_in(message, part);
    program_free(p);
}
#define REFUSES(text, part) refuses_pickle(text, sizeof(text) - 1, part)

Test(colored, refuses_a_foreign_global_by_name) {
    REFUSES("\x80\2cos\nsystem\nU\7echo hi\x85R.", "names 'os system'");
    REFUSES("\x80\2cposix\nsystem\nq\0U\7echo hi\x85q\1Rq\2.", "names 'posix system'");
    REFUSES("\x80\4\x8c\10builtins\x94\x8c\4eval\x94\x93\x94.", "names 'builtins eval'");
    REFUSES("\x80\2cnumpy\nload\n.", "names 'numpy load'");
    REFUSES("\x80\2cnumpy.core.multiarray\nscalar\n.", "names 'numpy.core.multiarray scalar'");
}

Test(colored, refuses_opcodes_that_numpy_does_not_need) {
    REFUSES("(ios\nsystem\n.", "opcode 0x69");                           /* INST */
    REFUSES("\x80\2(cnumpy\nndarray\no.", "opcode 0x6f");                /* OBJ */
    REFUSES("\x80\2\x82\1.", "opcode 0x82");                             /* EXT1 */
    REFUSES("\x80\2Pabc\n.", "opcode 0x50");                             /* PERSID */
    REFUSES("\x80\2cnumpy\nndarray\n)\x81.", "opcode 0x81");             /* NEWOBJ */
}

Test(colored, refuses_pickles_that_make_no_sense) {
    REFUSES("", "breaks off");
    REFUSES("\x80\2", "breaks off");
    REFUSES("\x80\2.", "stack runs empty");
    REFUSES("\x80\2\x87.", "stack runs empty");
    REFUSES("\x80\2t.", "a mark is missing");
    REFUSES("\x80\2(.", "stack runs empty");
    REFUSES("\x80\2h\7.", "never put away");
    REFUSES("\x80\2j\xff\xff\xff\xff.", "never put away");
    REFUSES("\x80\2Nr\xff\xff\xff\xff.", "remembers too many");
    REFUSES("\x80\2T\xff\xff\xff\x7fx.", "breaks off within a text");
    REFUSES("\x80\4\x8e\xff\xff\xff\xff\xff\xff\xff\xffx.", "breaks off within a text");
    REFUSES("\x80\2NNR.", "a call of what can't be called");
    REFUSES("\x80\2cnumpy\nndarray\n)R.", "a call of what can't be called");
    REFUSES("\x80\2cnumpy\ndtype\n)R.", "a data type without its name");
    REFUSES("\x80\2N)b.", "parts for what takes none");
    REFUSES("\x80\2cnumpy.core.multiarray\n_reconstruct\n)R)b.", "an array whose parts are not NumPy's");
    REFUSES("\x80\2}(Nu.", "a key without a value");
    REFUSES("\x80\2N(Nu.", "items for what takes none");
    REFUSES("\x80\2NNa.", "items for what takes none");
    REFUSES("\x80\2a.", "items for what takes none");
    REFUSES("\x80\2N.", "does not hold one dict");
    REFUSES("\x80\2}q\0h\0h\0s.", "does not hold one dict");             /* a dict in itself */
    REFUSES("\x80\2\x8a\x09" "123456789.", "more than 64 bits");
}

Test(colored, refuses_a_stack_without_end) {
    Bytes b = { 0 };
    for (int i = 0; i < 300000; i++) put(&b, "N", 1);
    refuses_pickle(b.bytes, b.count, "too many objects");
    free(b.bytes);
    b = (Bytes){ 0 };
    put(&b, "Nq\0", 3);
    for (int i = 0; i < 300000; i++) put(&b, "h\0", 2);
    refuses_pickle(b.bytes, b.count, "too many objects");
    free(b.bytes);
}

/* The dict of a container that has one key, an array that lies. */
static void refuses_array(const char *code, int rank, const int *shape, size_t count, const char *part) {
    Bytes b = { 0 };
    u8 values[64] = { 0 };
    put(&b, "\x80\2", 2);
    begin_array(&b, &python2, "O8", 0, NULL);
    put(&b, "](}(", 4);
    put_string(&b, &python2, "train_image");
    put_array(&b, &python2, code, rank, shape, values, count);
    put(&b, "uetb.", 5);
    refuses_pickle(b.bytes, b.count, part);
    free(b.bytes);
}

Test(colored, refuses_arrays_that_lie) {
    refuses_array("u1", 4, (int[]){ 1, 3, 3, 3 }, 26, "its shape and the bytes of its values disagree");
    refuses_array("u1", 4, (int[]){ 65535, 65535, 65535, 65535 }, 27, "sizes of its shape make no sense");
    refuses_array("f8", 1, (int[]){ 1 }, 8, "has no 'train_label'");
    refuses_array("O8", 1, (int[]){ 1 }, 8, "holds Python objects");
    refuses_array("zz", 1, (int[]){ 1 }, 8, "is of type 'zz'");
}

Test(colored, refuses_a_container_cut_anywhere) {
    for (size_t cut = 1; cut < 900; cut += 11) {
        Program *p = colored("color");
        Bytes file = container(&python2, TRAIN, -1);
        file.count -= cut;
        write_container(p, file);
        expect_in(open_fails(p), "colored.npy");
        program_free(p);
    }
}

Test(colored, refuses_a_plain_array_and_what_is_none) {
    Program *p = colored("color");
    Bytes file = { 0 };
    put_npy(&file, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", "\0", 1);
    write_container(p, file);
    expect_in(open_fails(p), "is a plain array");
    write_text(p, "colored.npy", "PK");
    expect_in(open_fails(p), "too short");
    write_text(p, "colored.npy", "version https://git-lfs.github.com/spec/v1\n");
    expect_in(open_fails(p), "is no NPY array");
    program_free(p);
}

/* ---- The samples beside the specification ---- */

Test(colored, reads_the_published_container) {
    const char *root = MML_SHARED_DIR "/data/mnist";
    if (access(root, F_OK) != 0) {
        fprintf(stderr, "skipped: the published container: no ../shared\n");
        return;
    }
    static const struct { const char *file, *counts; } files[] = {
        { "../cgmnist-mini/mnist_10color_jitter_var_0.030.npy", "1000 train, 300 test" },
        { "../cgmnist-mini/py3-pickle-20rows.npy", "20 train, 20 test" },
    };
    for (int i = 0; i < 2; i++) {
        Program *p = program_new();
        add_source(p, "digits", "colored_mnist", root);
        set_text(p, "data.digits.file", files[i].file);
        add_modality(p, "gray", "image[1, 28, 28]", "gray", 3, 1, 28, 28);
        add_modality(p, "color", "image[3, 28, 28]", "color", 3, 3, 28, 28);
        MmlData *data = open_data(p);
        cr_assert_str_eq(mml_data_describe(data), files[i].counts);
        float gray[28 * 28], color[3 * 28 * 28];
        sample_of(data, MML_TRAIN, 7, 1, 0, p, 0, gray, NULL, NULL);
        sample_of(data, MML_TRAIN, 7, 1, 0, p, 1, color, NULL, NULL);
        for (int j = 0; j < 28 * 28; j++)                    /* a colour times the grey level: black stays black */
            if (gray[j] == 0) cr_assert_eq(color[j] + color[j + 784] + color[j + 2 * 784], 0);
        program_free(p);
    }
}
