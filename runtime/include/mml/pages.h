/* Pages of large memory, all threads at once: the kernel hands them out, and takes them back, in the thread that asks, and a page
 * at a time by a fault costs 2.8 us, in one call 2. What is no whole page inside of the memory stays as it is. */
#ifndef MML_PAGES_H
#define MML_PAGES_H

#include "mml/threads.h"

/* Of memory that is about to be written, all of it. Its contents stay; threads may be NULL. */
void mml_pages_fill(MmlThreads *threads, void *memory, size_t bytes);

/* Of memory that is freed next: its contents are lost. */
void mml_pages_drop(MmlThreads *threads, void *memory, size_t bytes);

/* mml_arena_free of an arena whose memory was used. */
void mml_pages_free_arena(MmlThreads *threads, MmlArena *arena);

#endif
