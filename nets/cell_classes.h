// Which of a segmenter's classes are cells.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/ops/threshold.h"

namespace giemsa {

/// The class called background ("background", "bg", "__background__"), wherever it stands; the first of several; none
/// where no class is called so.
std::optional<std::string> named_background(const std::vector<std::string>& classes);

/// The classes that count as cells where nobody says which: all but the background, which is the class so named or else
/// the first, and but those named as red cells or platelets. Where that leaves none, all but the background.
std::vector<std::string> usual_cells(const std::vector<std::string>& classes);

/// `cells`, which are among `classes`, as bits in the order of the classes.
ClassSet class_set(const std::vector<std::string>& classes, const std::vector<std::string>& cells);

}  // namespace giemsa
