#include <sys/stat.h>
#include "data/source.h"

/* What a user lacks first, the files, is said first. */
Status mml_data_unread_open(DataSource *source) {
    const MmlSource *program = source->program;
    if (mml_has(source->settings, "%s.root", program->path)) {
        DataOrigin root = mml_data_origin(source->settings, program, "root");
        MML_TRY(mml_data_need_folder(&root));
    }
    struct stat info;
    for (i64 i = 0; i < program->file_count; i++) {
        DataOrigin file = mml_data_origin_slot(source->settings, program, program->file_slots[i]);
        if (stat(file.value, &info) != 0) return mml_data_missing(&file, "file", file.value);
    }
    return mml_fail(MML_EDATA, "this version has no reader for %s (data %s, %s); it reads idx and csv", program->kind,
                    program->name, program->where);
}
