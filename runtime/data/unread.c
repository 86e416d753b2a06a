#include "data/source.h"

#include <unistd.h>

static Status need_file(const DataOrigin *origin, const char *path) {
    return path && access(path, F_OK) == 0 ? MML_OK : mml_data_missing(origin, "file", path ? path : origin->value);
}

/* What a user lacks first, the files, is said first. `file` lies in root where
 * there is one (colored_mnist), else it is a path of its own (npz). */
Status mml_data_unread_open(DataSource *source) {
    const MmlSource *program = source->program;
    int has_root = mml_has(source->settings, "%s.root", program->path);
    DataOrigin root = mml_data_origin(source->settings, program, "root");
    if (has_root) MML_TRY(mml_data_need_folder(&root));
    if (mml_has(source->settings, "%s.file", program->path)) {
        DataOrigin file = mml_data_origin(source->settings, program, "file");
        MML_TRY(need_file(&file, has_root ? mml_arena_format(source->arena, "%s/%s", root.value, file.value) : file.value));
    }
    return mml_fail(MML_EDATA, "this version has no reader for %s (data %s, %s); it reads idx, csv, npz, colored_mnist, folder, av_digits "
                    "and crema_d", program->kind, program->name, program->where);
}
