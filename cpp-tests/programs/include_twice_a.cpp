// Half of a program whose two files both include each header twice.
#include <oss_resumable/oss_resumable.hpp>

#include <oss_resumable/oss_resumable.h>
#include <oss_resumable/oss_resumable.hpp>

bool otherHalf();

int main() {
    oss_resumable::Client client("http://127.0.0.1:1");
    return client.isValid() && otherHalf() ? 0 : 1;
}
