#define _GNU_SOURCE
#include "support/build_id.h"

#include <link.h>
#include <string.h>
#include <sys/stat.h>

static size_t rounded(size_t size) { return (size + 3) / 4 * 4; }

/* The linker's NT_GNU_BUILD_ID, a hash of what it linked; NULL when there is none. */
static const unsigned char *note_of(const struct dl_phdr_info *info, size_t *size) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_NOTE) continue;
        const unsigned char *at = (const unsigned char *)info->dlpi_addr + part->p_vaddr, *end = at + part->p_memsz;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
            const unsigned char *name = at + sizeof *note, *description = name + rounded(note->n_namesz);
            if (description + note->n_descsz > end) break;
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
                *size = note->n_descsz;
                return description;
            }
            at = description + rounded(note->n_descsz);
        }
    }
    return NULL;
}

/* A file without a build id is known by its size and when it was written. */
static int add_loaded(struct dl_phdr_info *info, size_t info_size, void *hash) {
    size_t size;
    struct stat file;
    const char *path = info->dlpi_name && *info->dlpi_name ? info->dlpi_name : "/proc/self/exe";
    if (strstr(path, "vdso")) return 0;                    /* of the kernel, and no part of what makes code */
    const unsigned char *id = note_of(info, &size);
    if (id) {
        sha256_part(hash, id, size);
    } else if (stat(path, &file) == 0) {
        sha256_part(hash, &file.st_size, sizeof file.st_size);
        sha256_part(hash, &file.st_mtim, sizeof file.st_mtim);
    }
    return 0;
}

Digest build_id(void) {
    Sha256 hash;
    sha256_start(&hash);
    dl_iterate_phdr(add_loaded, &hash);
    return sha256_end(&hash);
}
