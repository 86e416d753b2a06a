/* Train images of any bytes beside three sound files: every sample can be read, or one message comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static char folder[] = "/tmp/mml-fuzz-idx-XXXXXX";
static const char *const names[] = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
};

static void write_file(const char *name, const void *bytes, size_t count) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file)) abort();
}

static void remove_folder(void) {
    for (int i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* Two train labels; one test image of 1 x 1. */
static void make_folder(void) {
    if (!mkdtemp(folder)) abort();
    atexit(remove_folder);
    write_file(names[1], "\0\0\x08\x01\0\0\0\x02\0\1", 10);
    write_file(names[2], "\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x01\7", 17);
    write_file(names[3], "\0\0\x08\x01\0\0\0\x01\0", 9);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static int made;
    if (!made) make_folder();
    made = 1;
    write_file(names[0], bytes, count);
    MmlSetting setting = { .path = "data.x.root", .type = MML_PATH };
    MmlValue value = { .s = folder };
    MmlExperiment experiment = { .settings = &setting, .setting_count = 1, .slot_count = 1 };
    MmlSource program = { .name = "x", .kind = "idx", .path = "data.x", .where = "fuzz.mml:1" };
    MmlArena *arena = mml_arena_new();
    MmlSettings settings = { .experiment = &experiment, .values = &value, .arena = arena };
    DataSource source;
    if (mml_data_source_open(&settings, &program, 1, NULL, arena, &source) == MML_OK) {
        float pixel;
        const DataField *image = mml_data_source_field(&source, "image");
        for (i64 row = 0; row < 3; row++) image->read(&source, image, row, &pixel);
        mml_data_source_close(&source);
    } else if (!*mml_message()) {
        abort();
    }
    mml_arena_free(arena);
    return 0;
}
