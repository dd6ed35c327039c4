// stb_image's JPEG decoder, compiled once. Its other formats are left out: their decoders have known defects.
#include <cstdlib>

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
// Zeroed memory: a damaged file that leaves blocks undecoded still gives the same picture every time.
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC(block, size) std::realloc(block, size)
#define STBI_FREE(block) std::free(block)
#include <stb/stb_image.h>
