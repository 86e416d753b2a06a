/* A ZIP archive of any bytes: every sample of its arrays x and y can be read, or one message comes. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "data/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static char path[] = "/tmp/mml-fuzz-npz-XXXXXX";

static void remove_file(void) { unlink(path); }

static void write_file(const void *bytes, size_t count) {
    static int made;
    if (!made) {
        int descriptor = mkstemp(path);
        if (descriptor < 0 || close(descriptor) != 0) abort();
        atexit(remove_file);
        made = 1;
    }
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file)) abort();
}

static void read_all(const DataSource *source) {
    for (i64 f = 0; f < source->field_count; f++) {
        const DataField *field = &source->fields[f];
        float *sample = malloc(sizeof *sample * (size_t)field->size);
        for (i64 i = 0; sample && i < source->counts[MML_TRAIN] && i < 100; i++) {
            i64 row = source->rows[MML_TRAIN][i];
            field->read(source, field, row, sample);
            if (field->label) field->label(source, field, row);
            if (!source->place(source, row)) abort();
        }
        free(sample);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const char *const fields[] = { "x", "y" };
    write_file(bytes, count);
    MmlSetting setting = { .path = "data.a.file", .type = MML_PATH };
    MmlValue value = { .s = path };
    MmlSource program = { .name = "a", .kind = "npz", .path = "data.a", .where = "fuzz.mml:1", .fields = fields, .field_count = 2 };
    MmlExperiment experiment = { .settings = &setting, .setting_count = 1, .slot_count = 1, .sources = &program, .source_count = 1,
                                 .target = { .field = "y" } };
    MmlArena *arena = mml_arena_new();
    MmlSettings settings = { .experiment = &experiment, .values = &value, .arena = arena };
    DataSource source;
    if (mml_data_source_open(&settings, &program, 1, arena, &source) == MML_OK) {
        read_all(&source);
        mml_data_source_close(&source);
    } else if (!*mml_message()) {
        abort();
    }
    mml_arena_free(arena);
    return 0;
}
