#include "sounds.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void put_wav(Bytes *b, WavKind kind, const void *values, size_t count) {
    int block = kind.channels * ((kind.bits + 7) / 8);
    put_text(b, "RIFF");
    put_little(b, 36 + count, 4);
    put_text(b, "WAVEfmt ");
    put_little(b, 16, 4);
    put_little(b, (u64)kind.tag, 2);
    put_little(b, (u64)kind.channels, 2);
    put_little(b, (u64)kind.rate, 4);
    put_little(b, (u64)(kind.rate * block), 4);
    put_little(b, (u64)block, 2);
    put_little(b, (u64)kind.bits, 2);
    put_text(b, "data");
    put_little(b, count, 4);
    put(b, values, count);
}

void write_wav(Program *p, const char *name, int rate, const double *values, int count) {
    Bytes file = { 0 }, samples = { 0 };
    for (int i = 0; i < count; i++) put_little(&samples, (u64)(lrint(32767 * values[i]) & 0xffff), 2);
    put_wav(&file, (WavKind){ 1, 1, rate, 16 }, samples.bytes, samples.count);
    write_bytes(p, name, file.bytes, file.count);
    free(file.bytes);
    free(samples.bytes);
}

static void make_folder(Program *p, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", program_folder(p), name);
    cr_assert_eq(mkdir(path, 0777), 0, "%s", path);
}

void write_av_digits(Program *p, int rows, int sounds) {
    static const char *const lists[] = { "train", "val", "test" };
    u8 bytes[16 + 16 * 256];
    cr_assert_leq(rows, 256);
    make_folder(p, "avdigits");
    make_folder(p, "mnist");
    write_bytes(p, "mnist/train-images-idx3-ubyte", bytes, idx_images(bytes, (u32)rows, 4, 4, 0));
    write_bytes(p, "mnist/train-labels-idx1-ubyte", bytes, idx_labels(bytes, (u32)rows, 10));
    write_bytes(p, "mnist/t10k-images-idx3-ubyte", bytes, idx_images(bytes, (u32)rows, 4, 4, 100));
    write_bytes(p, "mnist/t10k-labels-idx1-ubyte", bytes, idx_labels(bytes, (u32)rows, 10));
    for (int l = 0; l < 3; l++) {
        Bytes text = { 0 };
        char line[128];
        put_text(&text, "id,label,wav,mnist_set,mnist_index\n");
        for (int i = 0; i < rows; i++) {
            snprintf(line, sizeof line, "%d,%d,s%d.wav,%s,%d\n", i, i % 10, i % sounds, l == 2 ? "t10k" : "train", i);
            put_text(&text, line);
        }
        snprintf(line, sizeof line, "avdigits/%s.csv", lists[l]);
        write_bytes(p, line, text.bytes, text.count);
        free(text.bytes);
    }
}

Program *sounds_program(int rows, int sounds) {
    Program *p = program_new();
    write_av_digits(p, rows, sounds);
    add_source(p, "clips", "av_digits", program_folder(p));
    set_target(p, 10, "label");
    return p;
}
