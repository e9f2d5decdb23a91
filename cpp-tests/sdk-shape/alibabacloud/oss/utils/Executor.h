// Runs asynchronous calls.
#pragma once

namespace AlibabaCloud {
namespace OSS {

class Runnable;

class Executor {
public:
    virtual ~Executor() {}
    virtual void execute(Runnable *task) = 0;
};

} // namespace OSS
} // namespace AlibabaCloud
