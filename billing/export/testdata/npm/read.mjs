// Prints the rows of a Parquet file as lines of JSON, read by hyparquet.
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'

const rows = await parquetReadObjects({ file: await asyncBufferFromFile(process.argv[2]) })
for (const row of rows) {
  console.log(JSON.stringify(row, (_, v) => typeof v === 'bigint' ? v.toString() : v))
}
