/* A file of the source csv as its rows are kept: features as floats, labels as they stand there.
 *
 * With a cache they lie in a file of it (features, then line numbers, labels and names), and the next run
 * reads nothing of the text; neither the text nor the features need memory then. Small files are read each time.
 */
#ifndef DATA_CSV_FILE_H
#define DATA_CSV_FILE_H

#include "data/csv_text.h"
#include "data/source.h"

typedef struct {
    CsvTable      table;
    i64           width;             /* columns that are features                   */
    const float  *features;          /* [rows, width]                               */
    const double *marks;             /* [rows] the label's column; NULL: there is none */
    i64          *labels;            /* [rows] classes, malloc; set and used by the source alone */
    DataStore     store;             /* bytes NULL: features, marks and lines are malloc */
} CsvFile;

/* index: the file's number in the source, -1 for the test file. What label->column says may depend on the program,
 * on index, and on the files that the source has read before. */
Status mml_csv_file_read(DataSource *source, i64 index, const DataOrigin *origin, int header, const CsvLabel *label, CsvFile *out);
void   mml_csv_file_free(CsvFile *file);

#endif
