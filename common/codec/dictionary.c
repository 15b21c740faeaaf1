#include "common/codec/dictionary.h"

/* The file as it is, between two labels. */
__asm__(".section .rodata\n"
        ".global tsujiban_dictionary_begin\n"
        ".global tsujiban_dictionary_end\n"
        ".hidden tsujiban_dictionary_begin\n"
        ".hidden tsujiban_dictionary_end\n"
        "tsujiban_dictionary_begin:\n"
        ".incbin \"proto/dictionary-1.bin\"\n"
        "tsujiban_dictionary_end:\n"
        ".previous\n");

extern const uint8_t tsujiban_dictionary_begin[], tsujiban_dictionary_end[];

struct slice dictionary(void)
{
	uintptr_t begin = (uintptr_t)tsujiban_dictionary_begin;
	return slice_of(
	        tsujiban_dictionary_begin, (size_t)((uintptr_t)tsujiban_dictionary_end - begin));
}
