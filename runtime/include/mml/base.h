/* What every part of the runtime shares: fixed-width names, status, arena.
 *
 * Every external symbol of the runtime begins with mml_, since the compiler
 * (whose symbols never do) links it too.
 */
#ifndef MML_BASE_H
#define MML_BASE_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t  u8;
typedef int32_t  i32;
typedef uint32_t u32;
typedef int64_t  i64;
typedef uint64_t u64;

/* ---- Status ----
 * A function that can fail returns a Status. On failure it has called
 * mml_fail, so that mml_message() tells what, where (file, row, field, layer)
 * and how to mend it, in one line without a final full stop or newline.
 */
typedef enum {
    MML_OK = 0,
    MML_EINPUT,      /* an argument or a value is wrong: exit 2 from a command line, else 3 */
    MML_EDATA,       /* a data file is missing, damaged or does not fit: exit 3 */
    MML_EIO,         /* file system: full disk, no permission: exit 3 */
    MML_ENOMEM,      /* exit 3 */
    MML_ENUMERIC,    /* NaN, infinity, no convergence: exit 1 */
    MML_ECALL,       /* wrong command line: exit 2 */
    MML_EINTERRUPT,  /* Ctrl-C: exit 130 */
    MML_EBUG         /* a broken invariant: exit 70 */
} Status;

/* Sets this thread's message and returns code, for `return mml_fail(...)`. */
Status mml_fail(Status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the present message; returns code unchanged. */
Status mml_context(Status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* This thread's last message, never NULL; valid until its next mml_fail. */
const char *mml_message(void);

/* The process exit code that belongs to a status (see above). */
int mml_exit_code(Status code);

#define MML_TRY(call) do { Status try_status = (call); if (try_status != MML_OK) return try_status; } while (0)

/* ---- Stopping ----
 * Training looks behind every batch whether it was asked to stop, and returns
 * MML_EINTERRUPT; so does opening data, many times a second. So do decompositions, but only where solves can be stopped: a loss
 * needs their results. Asking is safe in a signal handler.
 */
void mml_stop_ask(void);
int  mml_stop_asked(void);
void mml_stop_forget(void);
void mml_solves_stop(int can);
int  mml_solve_stopped(void);             /* 1: a stop was asked for, and solves can be stopped */

/* ---- Arena ----
 * Memory released all at once. mml_arena_alloc returns zeroed memory aligned
 * to 64 bytes, or NULL with mml_fail(MML_ENOMEM) set. A mark releases all that
 * was allocated after it.
 */
typedef struct MmlArena MmlArena;
typedef struct { void *block; size_t used; } MmlArenaMark;

MmlArena *mml_arena_new(void);                      /* NULL when out of memory */
void      mml_arena_free(MmlArena *arena);          /* NULL is fine            */
void     *mml_arena_alloc(MmlArena *arena, size_t bytes);
void      mml_arena_each_block(const MmlArena *arena, void (*visit)(void *context, void *memory, size_t bytes), void *context);
MmlArenaMark mml_arena_mark(MmlArena *arena);
void      mml_arena_release(MmlArena *arena, MmlArenaMark mark);
char     *mml_arena_format(MmlArena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes pages of 2 MiB for memory that is about to be filled, as far as they come quickly: first touches of
 * 750 MB take 0.55 s in pages of 4 KiB and 0.1 s in these. The memory is untouched and zero, or its contents are of no use. */
void      mml_prefer_huge_pages(void *memory, size_t bytes);

/* A list of *room items, of which count are used, with room for one more: `list` itself, or a copy with twice the room,
 * `first` at least. NULL: out of memory, and *room is as it was. */
void     *mml_arena_grow(MmlArena *arena, const void *list, i64 count, i64 *room, i64 first, size_t item);
#define MML_GROW(arena, list, count, room, first) mml_arena_grow((arena), (list), (count), (room), (first), sizeof *(list))

#define MML_NEW(arena, type, count) ((type *)mml_arena_alloc((arena), sizeof(type) * (size_t)(count)))

#endif
