// LangChain's Anthropic and OpenAI chat models.
import assert from 'node:assert/strict';
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import { assertAnswer, assertToolAnswer, badKey, check, done, rejection, target, weather } from './check.mjs';

const models = (apiKey) => ({
  ChatAnthropic: new ChatAnthropic({
    model: target.model, apiKey, anthropicApiUrl: target.url, maxTokens: 48, maxRetries: 0,
  }),
  ChatOpenAI: new ChatOpenAI({
    model: target.model, apiKey, maxTokens: 48, maxRetries: 0, configuration: { baseURL: `${target.url}/v1` },
  }),
});
const good = models(target.key);
const bad = models(badKey);
const getWeather = tool(async () => weather.result, {
  name: weather.name, description: weather.description, schema: z.object({ city: z.string() }),
});

for (const [name, model] of Object.entries(good)) {
  await check(`${name}: invoke`, async () => {
    const message = await model.invoke('Say hi.');
    assert.ok(message.usage_metadata.output_tokens > 0, 'no output tokens');
    return assertAnswer(message.text);
  });

  await check(`${name}: stream`, async () => {
    let text = '';
    for await (const chunk of await model.stream('Say hi.')) {
      text += chunk.text;
    }
    return assertAnswer(text);
  });

  await check(`${name}: a tool loop`, async () => {
    const withTool = model.bindTools([getWeather]);
    const turns = [new HumanMessage('How is the weather in Oslo?')];
    const first = await withTool.invoke(turns);
    assert.equal(first.tool_calls.length, target.tools === 'called' ? 1 : 0);
    if (first.tool_calls.length === 0) {
      return assertToolAnswer(first.text);
    }
    assert.deepEqual(first.tool_calls[0].args, { city: 'Oslo' });
    turns.push(first, new ToolMessage({
      content: await getWeather.invoke(first.tool_calls[0].args), tool_call_id: first.tool_calls[0].id,
    }));
    return assertToolAnswer((await withTool.invoke(turns)).text);
  });

  await check(`${name}: a wrong key is a 401`, async () => {
    const error = await rejection(bad[name].invoke('Say hi.'));
    assert.equal(error.status, 401, error.message);
    return error.message;
  });
}

done();
