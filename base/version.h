/* The program's version, as CMakeLists.txt has it (a test compares them). */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define ASSAY_VERSION "0.1.0"

#endif
