// @anthropic-ai/sdk 1.10: API version 2026-10-21, the key as a bearer token.
import Anthropic from '@anthropic-ai/sdk';
import { run } from './anthropic-sdk.mjs';
import { done } from './check.mjs';

await run(Anthropic);
done();
