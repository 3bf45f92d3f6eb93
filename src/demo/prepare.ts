import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What stands beside the copied data: where it comes from, and on which terms. */
export const DATA_NOTICE = `cars.json is copied from vega-datasets 3.2.1 (https://github.com/vega/vega-datasets).

The data: 406 cars of the model years 1970 to 1982, from the StatLib archive at Carnegie Mellon
University (http://lib.stat.cmu.edu/datasets/cars.desc), first distributed in 1982 for educational and
scientific purposes.

vega-datasets is distributed under the 3-Clause BSD License:

Copyright (c) UW Interactive Data Lab and the contributors of vega-datasets. All rights reserved.

Redistribution and use in source and binary forms, with or without modification, are permitted provided
that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this list of conditions and
   the following disclaimer.

2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and
   the following disclaimer in the documentation and/or other materials provided with the distribution.

3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse or
   promote products derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED
WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A
PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR
ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT
LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS
INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR
TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF
ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
`

/**
 * Copies the demo's data with its notice from the development dependency into `folder`, so that the
 * built package needs no development dependency. Run by the build, from the project's root.
 */
export async function prepareDemo(projectRoot: string, folder: string): Promise<void> {
  await copyFile(
    join(projectRoot, 'node_modules/vega-datasets/data/cars.json'),
    join(folder, 'cars.json'),
  )
  await writeFile(join(folder, 'cars.NOTICE.txt'), DATA_NOTICE)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of process.argv.slice(2)) await prepareDemo(process.cwd(), folder)
}
