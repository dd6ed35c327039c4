"""What each kernel's machine code has to look like. A kernel that no line names, or more than one, fails the check, and
so does a line that names no kernel.

No kernel at all may use local memory (spilled registers, arrays indexed at run time), or touch global memory before it
has waited for the kernel before it in the stream, which may still be writing where launches overlap: the compiler is free
to move a load of what it takes for constant. Beyond that:

    TENSOR_CORE   matrix instructions in the main loop, which loads nothing narrower than 16 bytes from global memory
    GATHERING     the same, but the loop also fetches elements whose place alone decides how wide they can be read
    TENSOR_CORE_IN_REGISTERS  matrix instructions in the main loop, of a kernel that loads nothing
    BANDWIDTH     a main loop that loads from global memory by 16 bytes only
    EXEMPT        nothing more, for the reason that the line gives

The main loop is the one with most matrix instructions or, in other kernels, most loads from global memory; all of the
kernel where no loop has any.
"""

import dataclasses
import fnmatch


@dataclasses.dataclass(frozen=True)
class Kind:
    name: str
    matrix: bool = False      # matrix instructions in the main loop
    wide_loads: bool = False  # global loads in the main loop, of 16 bytes all


TENSOR_CORE = Kind("tensor core", matrix=True, wide_loads=True)
GATHERING = Kind("gathering", matrix=True)
TENSOR_CORE_IN_REGISTERS = Kind("matrix products", matrix=True)
BANDWIDTH = Kind("bandwidth", wide_loads=True)
EXEMPT = Kind("exempt")


@dataclasses.dataclass(frozen=True)
class Expectation:
    kernels: str  # a pattern of names as the table prints them, * for any part
    kind: Kind
    why: str = ""
    dynamic_shared: int = 0  # bytes of shared memory at a typical launch, for the occupancy
    narrow_loads: int = 0    # that the main loop may have beside the wide ones, for the reason that `why` gives
    early: bool = False      # whether it may touch global memory before it waits, for the reason that `why` gives

    def __post_init__(self):
        if (self.kind in (EXEMPT, GATHERING) or self.narrow_loads or self.early) and not self.why:
            raise ValueError(f"{self.kernels}: an exemption needs a reason")

    def names(self, kernel):
        return fnmatch.fnmatchcase(kernel, self.kernels)


LATENCY = "so few bytes that launch and dependent loads limit it, not memory: "
UNION_FIND = "follows parents and joins sets: each load's address comes of the load before it"

EXPECTATIONS = [
    Expectation("conv2d_kernel<*, true, *>", TENSOR_CORE),
    Expectation("conv2d_kernel<*, false, *>", GATHERING,
                "the fallback for channels not in eights, such as an image's three: 2-byte loads of the input"),
    Expectation("conv2d_sum_splits_kernel<4, *>", BANDWIDTH),
    Expectation("conv2d_sum_splits_kernel<1, *>", EXEMPT, "the fallback for channels not in fours, by elements"),
    Expectation("conv2d_f32_kernel", EXEMPT,
                "the reference mode, without tensor cores; limited by shared memory, which it reads by 16 bytes"),

    Expectation("separable_kernel<*>", TENSOR_CORE, "fetches weights early, which no kernel before it may write",
                early=True),

    Expectation("aspp_depthwise_kernel<*, false>", BANDWIDTH),
    Expectation("aspp_depthwise_kernel<*, true>", BANDWIDTH, dynamic_shared=14 * 14 * 32),  # a map of 14x14
    Expectation("alexnet_lrn_kernel<*>", BANDWIDTH, "two channels beside the vector, on either side", narrow_loads=2),
    Expectation("average_pool_kernel<*>", BANDWIDTH),
    Expectation("depthwise_kernel<*>", BANDWIDTH),
    Expectation("linear_kernel<*>", BANDWIDTH),
    Expectation("max_pool_kernel<*>", BANDWIDTH),
    Expectation("max_pool_indices_kernel<*>", BANDWIDTH),
    Expectation("max_unpool_kernel<*>", EXEMPT, "a byte of taps per channel beside each vector; rows of taps begin anywhere"),
    Expectation("narrow_labels_kernel", BANDWIDTH),
    Expectation("pointwise_kernel<*, 4, *>", BANDWIDTH),
    Expectation("pointwise_kernel<*, 8, *>", BANDWIDTH),
    Expectation("upsample_kernel<*, 4>", BANDWIDTH),
    Expectation("upsample_kernel<*, 8>", BANDWIDTH),

    Expectation("copy_words_kernel", BANDWIDTH),
    Expectation("multiply_add_chains_kernel", EXEMPT, "arithmetic in registers and nothing else: it measures that"),
    Expectation("multiply_matrix_chains_kernel", TENSOR_CORE_IN_REGISTERS),

    Expectation("lrn_kernel<*>", EXEMPT, "the fallback for windows and layouts other than AlexNet's, by elements"),
    Expectation("pointwise_kernel<*, 1, *>", EXEMPT, "the fallback for channels not in whole vectors, by elements"),
    Expectation("upsample_kernel<*, 1>", EXEMPT, "the fallback for channels not in whole vectors, by elements"),
    Expectation("nchw_to_nhwc_kernel<*>", EXEMPT, "transposes elements; maps of NCHW start at any address"),
    Expectation("nhwc_to_nchw_kernel<*>", EXEMPT, "transposes elements; maps of NCHW start at any address"),
    Expectation("crop_resize_kernel<*>", EXEMPT, "reads rows of 3-byte pixels, whose addresses are multiples of nothing"),
    Expectation("tables_kernel", EXEMPT, LATENCY + "a few hundred outputs of an axis"),
    Expectation("resize_labels_kernel", EXEMPT, "gathers labels from anywhere; an option that most do not use"),
    Expectation("start_measuring_kernel", EXEMPT, LATENCY + "40 bytes a region"),
    Expectation("measure_kernel", EXEMPT, "a lane looks at one label, so that a ballot tells a row's runs apart"),
    Expectation("finish_measuring_kernel", EXEMPT, LATENCY + "40 bytes a region"),
    Expectation("start_batches_kernel", EXEMPT, LATENCY + "one cursor"),
    Expectation("take_batch_kernel", EXEMPT, LATENCY + "16 boxes"),
    Expectation("deliver_batch_kernel", EXEMPT, LATENCY + "16 rows of 5"),
    Expectation("loop_while_left_kernel", EXEMPT, LATENCY + "one cursor"),
    Expectation("probe_kernel", EXEMPT, "never runs"),

    Expectation("softmax_kernel<*>", EXEMPT, LATENCY + "16 rows of 5"),
    Expectation("upsample_threshold_kernel<*>", EXEMPT,
                LATENCY + "a pixel's one or two logits are 2 to 8 bytes, and serve 16 pixels from L1"),
    Expectation("preprocess_kernel<*>", EXEMPT, "reads rows of 3-byte pixels, whose addresses are multiples of nothing",
                dynamic_shared=3 * 32 * 35),  # 720x576 to 224x224

    Expectation("join_in_tiles", EXEMPT, "reads rows of a byte mask, whose width need not be a multiple of anything"),
    Expectation("join_tiles", EXEMPT, UNION_FIND),
    Expectation("measure", EXEMPT, UNION_FIND),
    Expectation("count_kept", EXEMPT, LATENCY + "a word for 32 pixels"),
    Expectation("distance_transform_kernel", EXEMPT, LATENCY + "a label for every sixteenth pixel"),
    Expectation("centre_peaks_kernel*", EXEMPT, LATENCY + "a value for every place of the head, at a stride of its pixels"),
    Expectation("assign_centres_kernel*", EXEMPT, LATENCY + "offsets where a component is, at a stride of the head's pixels"),
    Expectation("basins_kernel", EXEMPT, LATENCY + "each step of a walk depends on the one before it"),
    Expectation("merge_in_components", EXEMPT, UNION_FIND),
    Expectation("measure_parts", EXEMPT, "a label is looked up for every pixel: where its part's sums are, its value tells"),
    Expectation("write_parts", EXEMPT, "a label is looked up for every pixel: where its part's number is, its value tells"),
    Expectation("write_labels", EXEMPT,
                "parents are loaded by 16 bytes, but a component's number is looked up at its root by 4 and 8"),
]


def classify(kernel, expectations):
    """The one expectation that names `kernel`. Throws LookupError with what to do where there is none, or several."""
    found = [expectation for expectation in expectations if expectation.names(kernel)]
    if len(found) != 1:
        lines = ", ".join(f'"{expectation.kernels}"' for expectation in found) or "no line"
        raise LookupError(f"named by {lines} of tests/sass/expectations.py; exactly one has to say what it shall be")
    return found[0]
