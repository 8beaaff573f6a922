// Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
#pragma once

/// Unmaps the pages of the program and its libraries that were never written to; what is used again is mapped again.
///
/// Only segments without the right to write are touched: a page that was changed would come back as it is in the file.
void cprocess_release_clean_pages(void);
