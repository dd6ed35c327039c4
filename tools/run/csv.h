// The tables of a run: one row per cell, one row per image, one row per patient.
#pragma once

#include <span>
#include <string>

#include "tools/run/results.h"

namespace giemsa {

/// file,name,cell,class,probability,x,y,w,h,area,centroid_x,centroid_y, p_<class> for every class, at_edge, area_um2, which
/// is empty where the image does not tell the size of its pixels, and label_image, the path of the image's label image in the folder of results. That column joins the tables safely: programs read a name
/// such as 007 as the number 7. Images that failed and images without cells have no row.
std::string cells_csv(const RunInfo& info, std::span<const ImageResult> images);

/// file,name,width,height,ok,error,cells, the number of cells of every class, milliseconds a stage, and label_image.
std::string images_csv(const RunInfo& info, std::span<const ImageResult> images);

/// patient,images,cells, and of every class but `other` the number of cells, the share of the cells that have a name in
/// percent, and its 95 % interval, as class, class_percent, class_low, class_high; then unsure and other, which are in no
/// share. `cells` are the ones with a name. A row per patient.
std::string patients_csv(const RunInfo& info, std::span<const ImageResult> images);

}  // namespace giemsa
