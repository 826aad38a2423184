// @anthropic-ai/sdk 0.137: API version 2023-06-01, the key as x-api-key, ?beta=true on beta calls.
import Anthropic from 'anthropic-sdk-2023';
import { run } from './anthropic-sdk.mjs';
import { done } from './check.mjs';

await run(Anthropic);
done();
