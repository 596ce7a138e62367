// One function a step, named like the step: `Result steps::mountFs(Context&, const Record&)`. The doc
// comments of lib/plan/steps/*.ts say what each must do. To add one: a row there, a function here in any .cc
// of this directory.
#pragma once

#include "context.h"

namespace oci::steps {

#define OCI_DECLARE_STEP(name) Result name(Context& ctx, const Record& r);
OCI_INIT_STEPS(OCI_DECLARE_STEP)
#ifdef OCI_HOSTED
// csrc/addon has these.
OCI_HOST_STEPS(OCI_DECLARE_STEP)
#endif
#undef OCI_DECLARE_STEP

}  // namespace oci::steps
