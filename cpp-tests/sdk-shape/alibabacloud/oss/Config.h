// The version.
#pragma once

#ifndef ALIBABACLOUD_OSS_VERSION_STR
#define ALIBABACLOUD_OSS_VERSION ((1 << 16) + (10 << 8) + 1)
#define ALIBABACLOUD_OSS_VERSION_STR "1.10.1"
#endif
