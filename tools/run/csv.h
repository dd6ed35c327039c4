// Results as comma-separated values (RFC 4180): one row a cell, one row an image.
#pragma once

#include <span>
#include <string>

#include "tools/run/results.h"

namespace giemsa {

/// file,name,cell,class,probability,x,y,w,h,area,centroid_x,centroid_y and p_<class> for every class. Images that
/// failed and images without cells have no row.
std::string cells_csv(const RunInfo& info, std::span<const ImageResult> images);

/// file,name,width,height,ok,error,cells, the number of cells of every class, and milliseconds a stage.
std::string images_csv(const RunInfo& info, std::span<const ImageResult> images);

}  // namespace giemsa
