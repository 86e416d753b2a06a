/* Mapped files whose pages may fail: the disk breaks, somebody cuts the file short.
 *
 * The system answers a read of such a page with SIGBUS. In a watched range zeros come instead, and
 * mml_mapped_failed tells of it from then on; elsewhere SIGBUS does what it did before. Threads that
 * read mapped files must not block SIGBUS.
 */
#ifndef DATA_MAPPED_H
#define DATA_MAPPED_H

#include "mml/base.h"

/* Ranges are whole pages. More than MML_MAPPED_MOST at a time are not watched. */
#define MML_MAPPED_MOST 256
void mml_mapped_watch(void *bytes, size_t count);
void mml_mapped_forget(void *bytes);

/* 1: a page of a watched range could not be read. */
int  mml_mapped_failed(void);

#endif
