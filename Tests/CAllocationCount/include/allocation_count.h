#ifndef QUARTET_ALLOCATION_COUNT_H
#define QUARTET_ALLOCATION_COUNT_H

// How many blocks of memory this thread has asked for so far, or asked to change in size.
long quartet_allocation_count(void);

#endif
