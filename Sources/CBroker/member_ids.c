// librdkafka's mock broker names the members of a group after the address of their memory. A consumer that was away for
// longer than its session keeps its name, while its memory may be the next member's: then two members have one name, and
// when both join, an assertion ends the broker. These stand before the C library's and write each such name only once.

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static int write_unique(char *text, size_t size) {
    static _Atomic uint64_t process;
    static _Atomic uint32_t next;
    uint64_t known = atomic_load(&process);
    if (known == 0) {
        uint64_t drawn = 1;
        if (getrandom(&drawn, sizeof(drawn), 0) != sizeof(drawn) || drawn == 0) drawn = 1;
        // Another thread may have been first.
        known = atomic_compare_exchange_strong(&process, &known, drawn) ? drawn : known;
    }
    char digits[26];
    uint32_t number = atomic_fetch_add(&next, 1);
    for (int place = 0; place < 16; place++) digits[place] = "0123456789abcdef"[(known >> (60 - 4 * place)) & 15];
    digits[16] = '-';
    for (int place = 0; place < 8; place++) digits[17 + place] = "0123456789abcdef"[(number >> (28 - 4 * place)) & 15];
    digits[25] = '\0';
    if (size > 0) {
        size_t kept = size - 1 < 25 ? size - 1 : 25;
        memcpy(text, digits, kept);
        text[kept] = '\0';
    }
    return 25;
}

static int print(char *text, size_t size, const char *format, va_list arguments) {
    if (strcmp(format, "%p") == 0) return write_unique(text, size);
    return vsnprintf(text, size, format, arguments);
}

int snprintf(char *text, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = print(text, size, format, arguments);
    va_end(arguments);
    return length;
}

int __snprintf_chk(char *text, size_t size, int flag, size_t capacity, const char *format, ...) {
    (void)flag;
    va_list arguments;
    va_start(arguments, format);
    int length = print(text, size < capacity ? size : capacity, format, arguments);
    va_end(arguments);
    return length;
}
