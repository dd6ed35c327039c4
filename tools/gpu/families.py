"""Families of test cases, as doctest's filters: a run of the test program each, side by side. A test holds every filter to
match a case; the cases that no family takes are run too, so that none is left out."""

# Families of about equal length: their references keep the processor busy, not the GPU.
TESTED = {
    "test_kernels_gpu": [
        "conv2d in*",
        "conv2d with*,conv2d:*,conv2d keeps*,conv2d refuses*",
        "conv2d ladder*",
        "separable*",
        "labels ladder*",
        "clean_and_label*",
        "crop_resize*,preprocess*",
        "must pass*,linear*,lrn*,softmax*,*pool*,upsample*,n*_to_n*,*pixels*,depthwise*,aspp*,batches*",
    ],
    "test_cuda_gpu": [
        "every golden network in fp32",
        "every golden network in fp16",
        "*number of regions*,*told apart*,*portable*,*same image*,a layer that the GPU*",
        "*smear way*,*label maps*,*pointwise convolution*,*atrous*,*channels of any*,*rows of any*,*without fusing*",
        "*tuning*,*fuses*,*plan is changed*,*three branches all*,lines of separable*",
        "*cuDNN*,*cuBLAS*,*provider*,*vendor*",
    ],
}

# compute-sanitizer makes a kernel some 10 to 100 times slower. Races are looked for where there is shared memory.
SANITIZED = {
    "memcheck": ["conv2d*", "separable*", "depthwise*", "aspp*", "linear*", "*pool*", "softmax*", "lrn*", "upsample*",
                 "*pixels*", "n*_to_n*", "crop_resize*", "preprocess*", "clean_and_label*", "labels ladder*"],
    "racecheck": ["conv2d*", "separable*", "depthwise*", "linear*", "average_pool*", "softmax*", "n*_to_n*",
                  "crop_resize*", "preprocess*", "clean_and_label*"],
}
# The same for whoever has a minute and not five: the kernels that index most intricately.
SANITIZED_IN_SHORT = {
    "memcheck": ["conv2d with*", "separable equals*", "clean_and_label*", "crop_resize equals*", "linear*",
                 "aspp*,depthwise*,*pool*,upsample*,softmax*,lrn*"],
    "racecheck": ["clean_and_label*", "conv2d with*", "separable equals*", "linear*,softmax*,average_pool*"],
}
# Cases that launch nothing, or everything.
NOT_SANITIZED = "*ladder: every step on every case,*refuse*,*cost*,*chosen plan*,*packed weights*"


def patterns(family):
    return family.split(",")


def rest(program):
    """The filter that leaves out what the program's families take."""
    return ",".join(TESTED[program])
