// The init program, as a file that can be executed.
#pragma once

#include "../init/context.h"

namespace oci {

// Opens the init program for one launch: `fd` owns the file if it is for this launch alone, else it is the
// process's one sealed memfd and `owned` stays empty.
Result open_image(Context& ctx, int& fd, Fd& owned);

}  // namespace oci
