/* Finds and names the cells of binary PPM images, one after the other, as a program does that gets frames from a
 * camera. */
#include <giemsa.h>
#include <stdio.h>
#include <stdlib.h>

static void die(const char* what) {
  fprintf(stderr, "cells: %s\n", what);
  exit(1);
}

/* A PPM of 8 bits a sample; the caller frees it. */
static unsigned char* read_ppm(const char* path, unsigned* width, unsigned* height) {
  FILE* file = fopen(path, "rb");
  unsigned char* pixels;
  if (!file || fscanf(file, "P6 %u %u 255", width, height) != 2 || fgetc(file) == EOF) die("not a binary PPM");
  pixels = malloc((size_t)*width * *height * 3);
  if (!pixels || fread(pixels, 3, (size_t)*width * *height, file) != (size_t)*width * *height) die("PPM cut short");
  fclose(file);
  return pixels;
}

int main(int argc, char** argv) {
  giemsa_engine_options options;
  giemsa_engine* engine = NULL;
  giemsa_session* session = NULL;
  int i;
  if (argc < 4) die("usage: cells SEGMENTER CLASSIFIER IMAGE.ppm...");
  GIEMSA_INIT(options);
  options.segmenter.path = argv[1];
  options.classifier.path = argv[2];
  options.device = "cpu";
  if (giemsa_engine_open(&options, &engine) < 0) die(giemsa_last_message());
  if (giemsa_session_open(engine, NULL, &session) < 0) die(giemsa_last_message());

  for (i = 3; i < argc; ++i) {
    giemsa_image image;
    giemsa_cell cells[64];
    size_t found = 0, k;
    unsigned char* pixels;
    GIEMSA_INIT(image);
    image.format = GIEMSA_RGB8;
    image.pixels = pixels = read_ppm(argv[i], &image.width, &image.height);
    if (giemsa_identify(session, &image, cells, 64, &found) < 0) die(giemsa_last_message());
    for (k = 0; k < found && k < 64; ++k)
      printf("%s %d %d %d %d %.6f\n", giemsa_engine_class_name(engine, (uint32_t)cells[k].class_index), cells[k].x,
             cells[k].y, cells[k].width, cells[k].height, cells[k].probability);
    free(pixels);
  }
  giemsa_session_close(session);
  giemsa_engine_close(engine);
  return 0;
}
