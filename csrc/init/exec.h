// The last step, and what of it is done before a seccomp filter is there.
#pragma once

#include "context.h"

namespace oci {

// Makes the argument and environment arrays of an `exec` step, HOME and LISTEN_PID included. A filter may
// forbid what this needs, so the step that loads one calls it for the `exec` that comes after. A second call
// does nothing.
Result prepare_exec(Context& ctx, const Record& r);

// Memory for `count` pointers, for the rest of this process's life. Null: none left.
const char** pointer_array(usize count);

}  // namespace oci
