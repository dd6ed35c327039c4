// The same in C++11: handles that close themselves, failures as exceptions.
#include <giemsa.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using Engine = std::unique_ptr<giemsa_engine, void (*)(giemsa_engine*)>;
using Session = std::unique_ptr<giemsa_session, void (*)(giemsa_session*)>;

void check(giemsa_status status) {
  if (status < 0) throw std::runtime_error(giemsa_last_message());
}

Engine open_engine(const char* segmenter, const char* classifier) {
  giemsa_engine_options options;
  GIEMSA_INIT(options);
  options.segmenter.path = segmenter;
  options.classifier.path = classifier;
  options.device = "cpu";
  giemsa_engine* engine = nullptr;
  check(giemsa_engine_open(&options, &engine));
  return Engine(engine, giemsa_engine_close);
}

Session open_session(giemsa_engine* engine) {
  giemsa_session* session = nullptr;
  check(giemsa_session_open(engine, nullptr, &session));
  return Session(session, giemsa_session_close);
}

int main(int argc, char** argv) try {
  if (argc < 4) throw std::runtime_error("usage: cells SEGMENTER CLASSIFIER IMAGE.ppm...");
  const Engine engine = open_engine(argv[1], argv[2]);
  const Session session = open_session(engine.get());
  for (int i = 3; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    std::string kind, most;
    giemsa_image image;
    GIEMSA_INIT(image);
    image.format = GIEMSA_RGB8;
    file >> kind >> image.width >> image.height >> most;
    std::vector<char> pixels(std::size_t{image.width} * image.height * 3);
    if (kind != "P6" || !file.ignore(1) || !file.read(pixels.data(), static_cast<std::streamsize>(pixels.size())))
      throw std::runtime_error(std::string(argv[i]) + ": not a binary PPM");
    image.pixels = pixels.data();
    std::vector<giemsa_cell> cells(64);
    std::size_t found = 0;
    check(giemsa_identify(session.get(), &image, cells.data(), cells.size(), &found));
    cells.resize(std::min(found, cells.size()));
    for (const giemsa_cell& cell : cells)
      std::cout << giemsa_engine_class_name(engine.get(), static_cast<std::uint32_t>(cell.class_index)) << ' ' << cell.x
                << ' ' << cell.y << ' ' << cell.width << ' ' << cell.height << ' ' << cell.probability << '\n';
  }
} catch (const std::exception& error) {
  std::cerr << "cells: " << error.what() << '\n';
  return 1;
}
